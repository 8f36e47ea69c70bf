"""The section `notifications`: TODO."""

from __future__ import annotations

from components.config.section import Section


class NotificationParams(Section):
    """TODO."""
