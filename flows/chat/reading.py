"""JSON that strangers send, read strictly."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator
from starlette.requests import Request

from flows.web.bodies import BodyError, read_body

#: A prompt of any length that a model reads, many times over.
MOST_BODY_BYTES = 256 << 10
_TYPE = "application/json"


async def read_json(request: Request) -> dict[str, Any]:
    """The object in a body.

    Raises:
        BodyError: too_large, or bad_body.
    """
    body = await read_body(request, _TYPE, MOST_BODY_BYTES)
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise BodyError("bad_body", 400) from None
    if not isinstance(found, dict):
        raise BodyError("bad_body", 400)
    return found


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _spelled(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair, which is no character") from None
    return text


#: Text that a tokenizer can read: JSON can also spell halves of characters.
Spelled = Annotated[str, AfterValidator(_spelled)]
