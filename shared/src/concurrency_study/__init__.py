"""Answers to each question about concurrency, and the suite that proves them.

`concurrency_study.topics` holds the questions, `concurrency_study.worlds` the places
where answers run in virtual time, `concurrency_study.plugin` the pytest fixtures.
"""
