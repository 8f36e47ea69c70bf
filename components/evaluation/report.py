"""The reviewer's page: one HTML file (components/pages/page.py), and its twins in Markdown and in JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from components.evaluation.answers import TITLES, Sample, sample_record
from components.evaluation.calibration import Calibration
from components.evaluation.contents import Contents, Shown, gather
from components.evaluation.gates import Verdict
from components.evaluation.heat import METRICS, attributes, scales
from components.evaluation.report_markdown import markdown
from components.evaluation.steps import StepTable
from components.files import write_text
from components.pages.page import HEAT, render_page

HERE = Path(__file__).parent
TEMPLATE = HERE / "report.html.j2"


def write_report(
    path: Path,
    *,
    metrics: Mapping[str, Any],
    verdict: Verdict,
    steps: Mapping[str, StepTable],
    samples: Sequence[Sample],
    shown: int,
    reliability: Mapping[str, Calibration],
) -> None:
    """Write the page, and beside it the same as `.md` and `.json`, each atomically.

    The same arguments give the same bytes.

    Args:
        metrics: what reports/metrics.json holds.
        steps: per-step metrics by stage (`steps.read_all_steps`).
        samples: all answers compared; the page shows the `shown` largest losses of the policy.
        reliability: calibration by the name to show, such as "Reward model".
    """
    contents = gather(metrics, verdict, steps, samples, shown, reliability)
    write_text(path, page(contents))
    write_text(path.with_suffix(".md"), markdown(contents))
    write_text(path.with_suffix(".json"), _json(contents))


def page(contents: Contents) -> str:
    """The HTML."""
    answers = [answer for each in contents.shown for answer in each.sample.answers.values()]
    return render_page(
        TEMPLATE,
        style=HEAT.read_text(encoding="utf-8") + (HERE / "report.css").read_text(encoding="utf-8"),
        script=(HERE / "report.js").read_text(encoding="utf-8"),
        contents=contents,
        titles=TITLES,
        token_attributes=attributes,
        scales=scales(answers),
        metrics=METRICS,
        places=_places,
    )


def _places(each: Shown) -> dict[str, str]:
    """Data attributes by which the script sorts and filters."""
    sample = each.sample
    policy = sample.answers["policy"]
    found = {
        "row": str(each.row),
        "gain": f"{sample.gain:.4f}",
        "overrated": f"{sample.overrated:.4f}",
        "length": str(len(policy.text)),
        "outcome": sample.outcome,
        "source": sample.source,
    }
    if policy.disagreement is not None:
        found["disagreement"] = f"{policy.disagreement:.4f}"
    return found | ({"truncated": ""} if policy.truncated else {})


def _json(contents: Contents) -> str:
    """All that the page says, for machines; ASCII, as reports/samples.jsonl."""
    value = {
        "verdict": contents.verdict,
        "gates": [vars(gate) for gate in contents.gates],
        "alarms": contents.alarms,
        "paragraph": contents.paragraph,
        "tables": [
            {
                "caption": t.caption,
                "rows": {label: dict(zip(t.columns, cells, strict=True)) for label, cells in t.rows},
            }
            for t in contents.tables
        ],
        "plots": [{"title": plot.title, "says": plot.alt} for plot in contents.plots],
        "tally": contents.tally,
        "samples": [_sample(each) for each in contents.shown],
    }
    return json.dumps(value, allow_nan=False) + "\n"


def _sample(each: Shown) -> dict[str, Any]:
    sample = each.sample
    said = {"row": each.row, "outcome": sample.outcome, "gain": sample.gain, "overrated": sample.overrated}
    return said | sample_record(sample)
