"""The behaviour of trio: one function for each question and way."""
