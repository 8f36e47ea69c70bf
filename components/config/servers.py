"""The section `servers`: TODO."""

from __future__ import annotations

from components.config.section import Section


class ServersParams(Section):
    """TODO."""
