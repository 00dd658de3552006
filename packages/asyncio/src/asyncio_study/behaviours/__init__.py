"""What asyncio does: one function for each question and way."""
