"""Virtual time, a module a paradigm; each imports its own library and no other."""
