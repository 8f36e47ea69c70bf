"""What every request must be like before anything looks at it, and what every response bears."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'"
)
#: For pages whose script asks the server they came from, and no other.
ASKING_POLICY = f"{POLICY}; connect-src 'self'"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: browsers would then send their own forms with the origin "null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True)
class Guard:
    """The app, behind its checks.

    Attributes:
        hosts: values of Host under which the page is known: a foreign name that points here is refused.
        origins: where a form may come from.
        refuse: a page that says why, made from a request and a key of the words.
        policy: what a page may load, where the page does not say so itself.
        programs: where paths begin so, programs that are no browser may ask too, which do not say where they come from.
    """

    app: ASGIApp
    hosts: frozenset[str]
    origins: frozenset[str]
    refuse: Callable[[Scope, str], Response]
    policy: str = POLICY
    programs: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            # A websocket is closed before it is open.
            return await send({"type": "websocket.close"})

        async def bearing(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS | {"Content-Security-Policy": self.policy})
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        objection = self._objection(Headers(scope=scope), scope)
        app = self.app if objection is None else self.refuse(scope, objection)
        await app(scope, receive, bearing)

    def _objection(self, headers: Headers, scope: Scope) -> str | None:
        if headers.getlist("host") not in [[host] for host in self.hosts]:
            return "bad_host"
        return None if scope["method"] in ("GET", "HEAD") or self._is_ours(headers, scope) else "bad_origin"

    def _is_ours(self, headers: Headers, scope: Scope) -> bool:
        """Whether a page of ours sent it: every browser says one of the two, and what says neither is none."""
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin is None and site is None:
            return bool(self.programs) and scope["path"].startswith(self.programs)
        return (origin is None or origin in self.origins) and site in (None, "same-origin")
