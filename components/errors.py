"""The exceptions that a person may see. Each carries what happened and what to do about it."""

from __future__ import annotations


class RlhfError(Exception):
    """Base of every expected failure.

    Args:
        message: what happened, naming the file, the row and the field where there is one.
        remedy: what the person can do next; shown on a line of its own.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class ConfigError(RlhfError):
    """params.yaml holds an unknown key, a wrong type or a value out of range."""


class FeedbackError(RlhfError):
    """A batch of feedback cannot be read or accepted as a whole."""


class DataError(RlhfError):
    """Accepted feedback is not enough for the stage that was asked to run."""


class ModelError(RlhfError):
    """A model folder is missing, incomplete, damaged or of the wrong kind."""


class TrainingDivergedError(RlhfError):
    """Loss, gradient or weights are no longer finite numbers."""


class RegistryError(RlhfError):
    """The model registry has no such version, or it cannot be reached."""


class NotAllowedError(RegistryError):
    """The model registry refuses this login: its role may not do that."""


class PromotionRefusedError(RlhfError):
    """A version may not be promoted: blocked by a gate, damaged, or approved by its own author."""


class BusyError(RlhfError):
    """Another process holds the workspace."""


class StageFailedError(RlhfError):
    """A DVC stage ended with an error."""


class DiskError(RlhfError):
    """The disk is full, or a folder may not be written to."""


class StoppedError(RlhfError):
    """A run ended because it was told to; started again, it goes on."""
