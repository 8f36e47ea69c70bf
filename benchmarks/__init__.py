"""How fast the training core is beside TRL, on the same model, data, token counts and updates: `make bench`.

The harness (`run.py`) and what both sides share import the standard library alone: TRL's side runs in an environment
of its own, where this project's dependencies are not installed.
"""
