"""The board as a small web application: two addresses, nothing that changes anything."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, PlainTextResponse
from starlette.responses import Response
from starlette.types import Scope

from flows.board.looking import Look
from flows.board.page import board_page
from flows.web.guard import Guard

#: The page says itself what it may load (components/pages/page.py).
_POLICY = "frame-ancestors 'none'"
_REFUSED = {
    "bad_host": "this page has another address: open the one that `rlhf board` printed",
    "bad_origin": "this page only shows: nothing can be sent to it",
}


def make_app(look: Look, addresses: frozenset[str]) -> Guard:
    """The page as an ASGI application.

    Args:
        addresses: where people open it; other hosts are refused.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)

    # No coroutines: they wait for DVC and MLflow, in threads.
    def page() -> Response:
        now = look.now()
        return HTMLResponse(board_page(now.seen, now.fault, now.mark()))

    def mark() -> Response:
        return PlainTextResponse(look.now().mark())

    app.add_api_route("/", page, methods=["GET"])
    app.add_api_route("/mark", mark, methods=["GET"])
    hosts = frozenset(address.partition("://")[2] for address in addresses)
    return Guard(app, hosts, addresses, _refuse, _POLICY)


def _refuse(_: Scope, key: str) -> Response:
    return PlainTextResponse(_REFUSED[key], 403)
