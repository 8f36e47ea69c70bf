"""The documentation: its pages, and what makes pages of the code."""
