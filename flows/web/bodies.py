"""What comes over the wire, read within bounds."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

#: A body that takes longer is given up.
_BODY_S = 20.0


class BodyError(Exception):
    """What was sent cannot be taken.

    Args:
        key: of the words that say why; what: stands in them; status: of the response.
    """

    def __init__(self, key: str, status: int, what: str = "") -> None:
        super().__init__(key)
        self.key, self.status, self.what = key, status, what


async def read_body(request: Request, content_type: str, most_bytes: int) -> bytes:
    """The body of a request of this type.

    Raises:
        BodyError: too_large, or bad_body.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != content_type:
        raise BodyError("bad_body", 415)
    try:
        async with asyncio.timeout(_BODY_S):
            return await _body(request, most_bytes)
    except (TimeoutError, ClientDisconnect):
        raise BodyError("bad_body", 400) from None


async def _body(request: Request, most_bytes: int) -> bytes:
    length = request.headers.get("content-length", "0")
    body = bytearray()
    if not length.isdecimal() or int(length) > most_bytes:
        raise BodyError("too_large", 413)
    async for part in request.stream():
        body += part
        if len(body) > most_bytes:
            raise BodyError("too_large", 413)
    return bytes(body)
