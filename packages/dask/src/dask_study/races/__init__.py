"""The classic races: calls on a cluster share no memory, so that none can happen."""
