"""The page of all parameters, made from the models that check params.yaml and from the file itself."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from components.config import Params, Section
from docs.tables import cell

_ABOUT = """# params.yaml

Made when this site is built, from the models that check the file (`components/config`) and from the shipped file.
An unknown key, a wrong type or a value out of range is an error that names the key. Where a key has a default, it may
be left out. Changing a value reruns the stages that read it, and no others.
"""
_HEAD = ['<div class="keys" markdown>', "", "| key | shipped value | may be | meaning |", "|---|---|---|---|"]
_FOOT = ["", "</div>"]
#: A line of params.yaml that sets a key, with the remark beside it.
_LINE = re.compile(r"^(?P<indent> *)(?P<key>\w+):(?:[^#]*?)(?:\s#\s(?P<remark>.*))?$")
_NUMBERS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "&gt; {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "&lt; {}",
}


def parameters_page(root: Path) -> str:
    """Markdown: a section a section of the file, with each key's shipped value, range and meaning."""
    text = (root / "params.yaml").read_text(encoding="utf-8")
    shipped, said = yaml.safe_load(text), remarks(text)
    schema = Params.model_json_schema()
    parts = [_ABOUT, "## At the top { #top }", "", *_HEAD]
    parts += [
        _row("seed", schema["properties"]["seed"], shipped["seed"], "Of everything that is drawn."),
        *_FOOT,
    ]
    for path, section in sections():
        parts += ["", *_section(path, section, schema["$defs"], shipped, said)]
    return "\n".join([*parts, "", *_resources(schema), ""])


def sections(model: type[Section] = Params, above: str = "") -> Iterator[tuple[str, type[Section]]]:
    """Path and class of each section, those within sections too; but for `resources`, which is named by stages."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            yield above + name, kind
            yield from sections(kind, f"{above}{name}.")


def remarks(text: str) -> dict[str, str]:
    """The remark beside each key in the file, by the key's path."""
    found: dict[str, str] = {}
    path: list[str] = []
    for line in text.splitlines():
        if match := _LINE.match(line):
            path = [*path[: len(match["indent"]) // 2], match["key"]]
            if match["remark"]:
                found[".".join(path)] = match["remark"]
    return found


def meanings(section: type[Section]) -> dict[str, str]:
    """What the docstrings say of each field: the class's own, then those of the classes it is made from."""
    found: dict[str, str] = {}
    for kind in reversed([kind for kind in section.__mro__ if issubclass(kind, Section) and kind.__doc__]):
        found |= _attributes(inspect.cleandoc(str(kind.__doc__)), set(section.model_fields))
    return found


def _attributes(doc: str, fields: set[str]) -> dict[str, str]:
    """`name: meaning` and `name, name: meaning`, on lines of their own or parted by semicolons."""
    _, _, listed = doc.partition("Attributes:")
    text = " ".join(listed.split())
    one = "(?:" + "|".join(sorted(fields, key=len, reverse=True)) + ")"
    starts = list(re.finditer(rf"(?:^|(?<=[.;] )|(?<=\) )){one}(?:, {one})*(?=: )", text))
    ends = [*(start.start() for start in starts[1:]), len(text)]
    return {
        name: _sentence(text[start.end() + 2 : end])
        for start, end in zip(starts, ends[: len(starts)], strict=True)
        for name in start[0].split(", ")
    }


def _sentence(text: str) -> str:
    text = text.strip().rstrip(".;")
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _section(
    path: str, section: type[Section], definitions: dict[str, Any], shipped: Any, said: dict[str, str]
) -> list[str]:
    for key in path.split("."):
        shipped = shipped[key]
    heading = f"{'#' * (2 + path.count('.'))} {path} {{ #{path.replace('.', '-')} }}"
    about = {name: _sentence(said.get(f"{path}.{name}", "")) for name in section.model_fields} | meanings(
        section
    )
    rows = _rows(definitions[section.__name__]["properties"], shipped, about)
    return [heading, "", *_intro(section), *_HEAD, *rows, *_FOOT]


def _rows(fields: dict[str, Any], shipped: Any, about: dict[str, str]) -> list[str]:
    """A row a key; a section within the section has a part of its own."""
    return [
        _row(name, field, shipped[name], about[name]) for name, field in fields.items() if "$ref" not in field
    ]


def _intro(section: type[Section]) -> list[str]:
    """What the docstring says before its list of fields."""
    text = inspect.cleandoc(section.__dict__.get("__doc__") or "").partition("Attributes:")[0].strip()
    return [text, ""] if text else []


def _row(name: str, schema: dict[str, Any], value: Any, meaning: str) -> str:
    default = f"<br>default {_value(schema['default'])}" if "default" in schema else ""
    return f"| `{name}` | {_value(value)} | {allowed(schema)}{default} | {cell(_in_yaml(meaning))} |"


def _value(value: Any) -> str:
    """As params.yaml may say it: JSON is YAML, too."""
    return f"`{value if isinstance(value, str) and value.isprintable() else json.dumps(value, default=str)}`"


def allowed(schema: dict[str, Any]) -> str:
    """Type and range in words, from a field's JSON schema."""
    if "anyOf" in schema:
        return " or ".join(allowed(part) for part in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema["type"] == "array":
        return f"list of: {allowed(schema['items'])}"
    names = {"integer": "whole number", "string": schema.get("format", "text"), "boolean": "true, false"}
    limits = [sign.format(schema[key]) for key, sign in _NUMBERS.items() if key in schema]
    return " ".join([names.get(schema["type"], schema["type"]), ", ".join(limits)]).strip()


def _in_yaml(text: str) -> str:
    """Python's words for nothing and no, as the file writes them."""
    return re.sub(r"\bFalse:", "false:", re.sub(r"\bNone:", "null:", text))


def _resources(schema: dict[str, Any]) -> list[str]:
    stages = ", ".join(f"`{name}`" for name in schema["properties"]["resources"]["propertyNames"]["enum"])
    doc = inspect.cleandoc(str(Params.model_fields["resources"].annotation.__args__[1].__doc__))
    return [
        "## resources { #resources }",
        "",
        f"Where stages run. Each key is a stage ({stages}) with one value:",
        "",
        *_HEAD,
        f"| `work_pool` | none | text or null | {cell(_in_yaml(_attributes(doc, {'work_pool'})['work_pool']))} |",
        *_FOOT,
    ]
