"""The command as tests start it."""

from benchmarks.fault_injection.commands import Command

__all__ = ["Command"]
