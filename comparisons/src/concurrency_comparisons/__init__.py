"""Answers to a question, side by side: from their text and from their reports.

Nothing here imports a study or needs its library. Answers are read as text
(`concurrency_comparisons.answers`). Their behaviour is read from the reports of runs in
which each study was installed alone (`concurrency_comparisons.reports`).
"""
