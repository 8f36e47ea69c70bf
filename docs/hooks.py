"""What MkDocs calls while it builds the site: some pages are made from the code, and formulas become MathML.

Nothing made is ever written beside the sources, so nothing of it can be stale.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

from docs.commands import commands_page
from docs.formulas import with_formulas
from docs.parameters import parameters_page
from docs.repository import repository_pages

ROOT = Path(__file__).parents[1]


def made_pages(root: Path) -> dict[str, str]:
    """What is made from the code and from the repository's own texts: content by path in the site's sources."""
    return {
        "reference/params.md": parameters_page(root),
        "reference/commands.md": commands_page(),
        **repository_pages(root),
    }


def on_files(files: Files, config: Any) -> Files:
    for path, content in made_pages(ROOT).items():
        files.append(File.generated(config, path, content=content))
    return files


def on_page_content(html: str, page: Any, **_: Any) -> str:
    try:
        return with_formulas(html)
    except ValueError as error:
        raise PluginError(f"{page.file.src_uri}: {error}") from error
