"""Virtual time: one module per paradigm, which imports its own library and no other."""
