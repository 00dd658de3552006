"""The behaviour of AnyIO: one function for each question and way."""
