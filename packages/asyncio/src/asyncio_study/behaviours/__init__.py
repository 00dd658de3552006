"""The behaviour of asyncio: one function for each question and way."""
