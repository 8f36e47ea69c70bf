"""Under which licence a data set is given: what the front matter of its card, README.md, says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from components.errors import FeedbackError
from components.feedback.declaration import is_licence
from components.feedback.sources.address import Address

CARD = "README.md"
#: What the hub calls a licence that its list has not, and one that nobody knows.
_OTHER, _UNKNOWN = "other", "unknown"


def licence_of(address: Address) -> str | None:
    """The licence as an expression of SPDX; None where the card, if there is one, names none.

    Of several, all hold: which rows came under which, the card does not say.

    Raises:
        FeedbackError: the front matter cannot be read.
    """
    card = _card(address)
    said = {} if card is None else _front_matter(address, card)
    given = said.get("license")
    names = [_name(each, said) for each in (given if isinstance(given, list) else [given])]
    licence = " AND ".join(names)
    return licence if is_licence(licence) and _UNKNOWN not in names else None


def _card(address: Address) -> Path | None:
    if (folder := Path(address.name)).is_dir():
        return folder / CARD if (folder / CARD).is_file() else None
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    try:
        revision = address.options.get("revision")
        return Path(hf_hub_download(address.name, CARD, repo_type="dataset", revision=revision))
    except EntryNotFoundError:
        # Nor is there one where the hub is out of reach, and the cache has none.
        return None


def _front_matter(address: Address, card: Path) -> dict[str, Any]:
    from huggingface_hub import metadata_load
    from yaml import YAMLError

    try:
        return metadata_load(card) or {}
    except (YAMLError, ValueError):
        what = f"{address}: the front matter of its {CARD} is no YAML"
        raise FeedbackError(what, "mend it: it names the licence") from None


def _name(given: Any, said: dict[str, Any]) -> str:
    return str(said.get("license_name", given)) if given == _OTHER else str(given or "")
