"""Prefect flows, and the command `rlhf` that a person runs them with."""
