"""The behaviour of gevent: one function for each question and way."""
