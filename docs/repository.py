"""README.md and what it links to as pages of the site, so that the site copies no figure and links to each."""

from __future__ import annotations

import re
from pathlib import Path

#: Path in the site by path in the repository. Links between them stay right, because the folders are the same.
TEXTS = {
    "README.md": "repository.md",
    "deploy/README.md": "deploy/README.md",
    "deploy/mlflow-auth/README.md": "deploy/mlflow-auth/README.md",
    "deploy/work-pools/README.md": "deploy/work-pools/README.md",
    "deploy/systemd/rlhf.service": "deploy/systemd/rlhf.service",
}
#: The README's picture wants a script from a CDN; the site has one of its own.
_MERMAID = re.compile(r"^```mermaid\n.*?^```$", re.MULTILINE | re.DOTALL)
_PICTURE = '--8<-- "loop.svg"'
#: What the README says of the pages here, it links to by their files.
_PAGES = "](docs/pages/"


def repository_pages(root: Path) -> dict[str, str]:
    """Content by path in the site's sources."""
    read = {page: (root / text).read_text("utf-8").replace(_PAGES, "](") for text, page in TEXTS.items()}
    return {page: _MERMAID.sub(_PICTURE, text) for page, text in read.items()}
