"""The data card on disk names the licences that senders declared."""

from __future__ import annotations

import json
from pathlib import Path

from feedback.batch_files import Workspace, lines, pairs

from components.config import load_params
from flows.pages import write_card

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")


def test_licences_from_the_declarations_to_the_card(tmp_path):
    workspace = Workspace(tmp_path)
    for name, said in (("a", {"licence": "CC-BY-4.0"}), ("b", {})):
        path = workspace.write(f"{name}.jsonl", lines(pairs(3, source=f"vendor-{name}", annotator=name)))
        workspace.write(f"{path.name}.declared.json", json.dumps(said))
        assert workspace.ingest(path).status == "accepted"
    card = write_card(tmp_path, PARAMS).read_text(encoding="utf-8")
    assert "| vendor-a | CC-BY-4.0 |" in card
    assert "| vendor-b | not stated |" in card
    assert "\nlicense: unknown\n" in card
