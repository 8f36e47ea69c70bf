"""The section `schedule`: TODO."""

from __future__ import annotations

from components.config.section import Section


class ScheduleParams(Section):
    """TODO."""
