"""The classic races: answers share no memory, so this study has no program."""
