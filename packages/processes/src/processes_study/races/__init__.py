"""The classic races: processes share no memory, so that none of them can happen."""
