"""Answers to the behaviour questions, measured on threads, queues and futures."""
