"""What one row must be like to be accepted, and the marks it may be accepted with: one idea a file."""

from components.feedback.rules.rules import Rules, check_refused

__all__ = ["Rules", "check_refused"]
