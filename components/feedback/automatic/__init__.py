"""Feedback that no person gave: its mark, how far it agrees with people, and what it may teach."""
