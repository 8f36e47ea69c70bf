from tracking.conftest import database, models

__all__ = ["database", "models"]
