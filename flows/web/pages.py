"""Pages out of templates and the files beside them. What stands on them is text, whatever it looks like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from fastapi import FastAPI
from starlette.responses import Response

from components.files import sha256_bytes
from components.pages.page import HEAT, environment
from flows.web.languages import LANGUAGES

#: What the pages of all sites share: the frame, and how things look.
SHARED = Path(__file__).parent / "static"
_FOLDERS = (SHARED, HEAT.parent)
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


@dataclass(frozen=True)
class Site:
    """Attributes:
    folder: of the site's own templates and files.
    styles, scripts: names of the files that its pages load: these and no others.
    """

    folder: Path
    styles: tuple[str, ...]
    scripts: tuple[str, ...]

    def render(self, template: str, language: str, words: dict[str, str], **content: Any) -> str:
        """The page; what is text in `content` is escaped, and a mark stands for what a reader could not see."""
        return (
            _environment(self.folder)
            .get_template(template)
            .render(
                language=language,
                languages=LANGUAGES,
                words=words,
                address=self._address,
                styles=self.styles,
                scripts=self.scripts,
                **content,
            )
        )

    def add_files(self, app: FastAPI) -> None:
        """Serve the files that the pages load."""
        for name in (*self.styles, *self.scripts):
            route = _file_route(self.folder, name)
            app.add_api_route(f"/static/{name}", route, methods=["GET"])

    def _address(self, name: str) -> str:
        """Where a file is: another one when it has another content."""
        return f"/static/{name}?{sha256_bytes(_content(self.folder, name))[:16]}"


def _file_route(folder: Path, name: str) -> Callable[[], Response]:
    # Their addresses name their content, so a browser may keep them.
    headers = {"Cache-Control": "public, max-age=31536000, immutable"}
    kind = _KINDS[Path(name).suffix]
    return lambda: Response(_content(folder, name), headers=headers, media_type=kind)


@cache
def _content(folder: Path, name: str) -> bytes:
    places = (place / name for place in (folder, *_FOLDERS))
    return next(place for place in places if place.exists()).read_bytes()


@cache
def _environment(folder: Path) -> jinja2.Environment:
    return environment(folder, SHARED)
