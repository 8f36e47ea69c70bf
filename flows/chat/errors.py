"""Errors in the shape that OpenAI's clients read."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_CODES = {401: "invalid_api_key", 404: "not_found", 413: "too_large", 429: "rate_limit_exceeded"}
#: Seconds after which it is worth to ask a busy server again.
_AGAIN_S = "1"


class ApiError(Exception):
    """A request that is not answered.

    Args:
        param: the field at fault; code: for programs.
    """

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.param = status, message, param
        self.code = code or _CODES.get(status)

    def content(self) -> dict[str, object]:
        usual = "server_error" if self.status >= 500 else "invalid_request_error"
        about = {"type": _TYPES.get(self.status, usual), "param": self.param, "code": self.code}
        return {"error": {"message": self.message, **about}}

    def response(self) -> Response:
        headers = {"Retry-After": _AGAIN_S} if self.status == 429 else {}
        headers |= {"WWW-Authenticate": "Bearer"} if self.status == 401 else {}
        return JSONResponse(self.content(), self.status, headers)
