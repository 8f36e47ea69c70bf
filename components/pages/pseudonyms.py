"""Names that stand for people in figures: who gave feedback is nobody's business outside the feedback."""

from __future__ import annotations

from collections.abc import Iterable

from components.files import sha256_bytes

#: Hexadecimal digits of the digest in a pseudonym; more where two people would share one.
DIGITS = 8


def pseudonyms(names: Iterable[str]) -> dict[str, str]:
    """The pseudonym of each name, such as "annotator-1f0a93bc": the same in every run
    unless two would be alike, and then longer.

    They keep names out of sight and no more: whoever knows the names can work out who is who.
    """
    digests = {name: sha256_bytes(name.encode("utf-8")) for name in names}
    digits = DIGITS
    while len({digest[:digits] for digest in digests.values()}) < len(digests):
        digits += 1
    return {name: f"annotator-{digest[:digits]}" for name, digest in digests.items()}
