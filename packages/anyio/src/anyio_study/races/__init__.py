"""Classic races: each bug beside its fix, for `World.explore` to find and to clear."""
