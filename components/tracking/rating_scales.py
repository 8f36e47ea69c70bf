"""How far ratings reach: what the judgement says, else its label schema in MLflow, else the source's address."""

from __future__ import annotations

from functools import cached_property
from typing import Any


class RatingScales:
    """Scales of the numeric assessments of one experiment.

    Args:
        default: of ratings that no schema describes, such as "1-5".
    """

    def __init__(self, experiment: str, default: str | None) -> None:
        self._experiment = experiment
        self._default = default

    def of(self, assessment: Any) -> str | None:
        """Such as "1-5", or None where nothing says it."""
        told = (assessment.metadata or {}).get("scale")
        return str(told) if told else self._of_schemas.get(assessment.name, self._default)

    @cached_property
    def _of_schemas(self) -> dict[str, str]:
        # Here, because it imports much, and few experiments have ratings.
        from mlflow.genai.label_schemas import InputNumeric, list_label_schemas

        scales, token = {}, None
        while True:
            page = list_label_schemas(self._experiment, page_token=token)
            for schema in page:
                bounds = schema.input
                if isinstance(bounds, InputNumeric) and None not in (bounds.min_value, bounds.max_value):
                    scales[schema.name] = f"{bounds.min_value:g}-{bounds.max_value:g}"
            token = page.token
            if not token:
                return scales
