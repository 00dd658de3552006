"""Answers to the behaviour questions, measured on the kernel."""
