"""The section `retention`: TODO."""

from __future__ import annotations

from components.config.section import Section


class RetentionParams(Section):
    """TODO."""
