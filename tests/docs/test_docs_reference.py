"""The pages made from the code: nothing is left out, and some rows by hand."""

from __future__ import annotations

import re

import pytest
import typer
from docs_texts import ROOT

from components.config import Params
from docs.commands import anchor, commands, commands_page
from docs.formulas import mathml, with_formulas
from docs.parameters import allowed, meanings, parameters_page, remarks, sections
from docs.repository import repository_pages
from flows.cli import app

PAGE = parameters_page(ROOT)
ROW = re.compile(r"^\| `(\w+)` \| .* \| (.*) \|$", re.MULTILINE)


def test_every_parameter_is_on_the_page_with_a_meaning():
    for path, section in sections():
        part = PAGE.split(f"{{ #{path.replace('.', '-')} }}\n")[1].split("\n#")[0]
        rows = dict(ROW.findall(part))
        nested = {path.rpartition(".")[2] for path, _ in sections()}
        assert rows.keys() == section.model_fields.keys() - nested, path
        assert [name for name, meaning in rows.items() if len(meaning) < 6] == [], path
    assert {path for path, _ in sections()} | {"seed", "resources"} >= Params.model_fields.keys()


@pytest.mark.parametrize(
    "row",
    [
        "| `kl_coef` | `0.2` | number ≥ 0 | Weight of the KL penalty: per token inside the reward, with grpo a term of "
        "the loss. |",
        "| `kl_target` | `null` | number &gt; 0 or null | Where set, kl_coef is only the start and is steered to this "
        "KL in nats a sequence (Ziegler 2019). |",
        "| `by` | `judge` | `judge`, `last` | Who picks one of PPO's snapshots. |",
        "| `max_slice_loss` | `0.03` | number &gt; 0, &lt; 1 | How far below one half the win rate of a slice of the "
        "prompts may lie. |",
        "| `languages` | `[]` | list of: text<br>default `[]` | ISO 639-1; an answer in another one is tagged. Empty: "
        "any. |",
        "| `name` | `reviews` | text | Production model; candidates are `<name>-candidate`, parents `-sft`, "
        "`-reward`. |",
    ],
)
def test_rows_by_hand(row):
    assert row in PAGE.splitlines()


def test_a_range_in_words():
    schema = {"anyOf": [{"const": "auto", "type": "string"}, {"exclusiveMinimum": 0, "type": "integer"}]}
    assert allowed(schema) == "`auto` or whole number &gt; 0"
    assert allowed({"type": "number", "minimum": 0, "maximum": 1}) == "number ≥ 0, ≤ 1"
    assert allowed({"type": "string", "format": "date"}) == "date"


def test_meanings_of_what_is_made_from_another_section():
    found = meanings(Params.model_fields["dpo"].annotation)
    assert found["beta"] == "Strength of the pull to the reference (Rafailov 2023, eq. 7)."
    assert found["epochs"] == "Passes over the data."


def test_remarks_by_path():
    text = "seed: 7\nppo:   # how\n  kl: 0.2  # usual\n  in:\n    deep: 1 # so\nlast: 2\n"
    assert remarks(text) == {"ppo": "how", "ppo.kl": "usual", "ppo.in.deep": "so"}


def test_every_command_and_option_is_on_the_page():
    page = commands_page()
    root = typer.main.get_command(app)
    names = []
    for name, command, _ in commands(root, root.make_context("rlhf", [], resilient_parsing=True)):
        part = page.split(f"{{ #{anchor(name)} }}\n")[1].split("\n## ")[0]
        names.append(name)
        for param in command.params:
            assert all(option in part for option in param.opts if option.startswith("-")), (name, param.opts)
    assert {"rlhf ingest", "rlhf feedback withdraw", "rlhf collect serve"} <= set(names)
    assert len(names) == len(set(names)) == page.count("\n## ") + page.count("\n### ")


def test_a_command_by_hand():
    page = commands_page()
    assert "### `rlhf feedback refuse` { #rlhf-feedback-refuse }" in page
    assert '```sh\nrlhf feedback refuse week-2-1a2b3c4d --why "one person clicked through it"\n```' in page
    assert (
        "| `version <int range>` | Number of the candidate, as `rlhf status` shows it. [x>=1; required] |"
        in page
    )
    assert "How many answers. [default: 4; 1&lt;=x&lt;=1000] |" in page


def test_a_formula_becomes_mathml():
    page = (
        r'<p>so <span class="arithmatex">\(a &lt; b\)</span></p><div class="arithmatex">\[\frac{1}{2}\]</div>'
    )
    made = with_formulas(page)
    assert 'alttext="a &lt; b"' in made
    assert "<mfrac>" in made
    assert "arithmatex" not in made


@pytest.mark.parametrize("latex", [r"\notacommand{x}", r"\begin{aligned} a &= b \end{aligned}"])
def test_a_formula_that_would_show_its_source_is_refused(latex):
    with pytest.raises(ValueError, match="not made into MathML"):
        mathml(latex, "block")


def test_the_readme_is_a_page_with_a_picture_of_our_own():
    readme = repository_pages(ROOT)["repository.md"]
    assert "mermaid" not in readme
    assert '--8<-- "loop.svg"' in readme
    assert "## Two commands" in readme
