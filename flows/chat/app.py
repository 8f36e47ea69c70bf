"""The page, and the programs' interface beside it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qs

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.types import Scope

from components.pages.page import visible
from components.serving.question import Event, Failed, Finished, Measured, Piece, Question, Started
from components.serving.thumbs import Outcome, Thumb, fault_in
from flows.chat.api import PREFIX, Api
from flows.chat.errors import ApiError
from flows.chat.house import BUSY, AskError, House
from flows.chat.pages import SITE, chat_page, key_page, message_page
from flows.chat.reading import Spelled, read_json
from flows.chat.telling import heat_of, new_seed, said_of
from flows.web.bodies import BodyError, read_body
from flows.web.guard import ASKING_POLICY, Guard
from flows.web.languages import keep_language, language_for

_LANGUAGE_COOKIE = "chat-language"
_MOST_KEY_BYTES = 4096
_STATUS = {Outcome.final: 409, Outcome.other: 409}


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class AnswerBody(_Body):
    """What the page asks. seed: None: any."""

    model: Literal["champion", "candidate"]
    prompt: Annotated[Spelled, Field(min_length=1)]
    temperature: Annotated[float, Field(ge=0, le=2)]
    max_tokens: Annotated[int, Field(ge=1)] | None
    seed: Annotated[int, Field(ge=0, lt=2**53)] | None

    def question(self) -> Question:
        seed = new_seed() if self.seed is None else self.seed
        return Question((self.prompt,), seed, temperature=self.temperature, max_tokens=self.max_tokens)


class ThumbBody(_Body):
    answer: str
    thumb: Literal["up", "down", "none"]


_Kind = TypeVar("_Kind", bound=_Body)


def make_app(house: House) -> Guard:
    """Page and interface as an ASGI application, behind its guard."""
    page = _Page(house)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.add_api_route("/", page.page, methods=["GET"])
    app.add_api_route("/enter", page.enter, methods=["POST"])
    app.add_api_route("/answer", page.answer, methods=["POST"])
    app.add_api_route("/thumb", page.thumb, methods=["POST"])
    app.add_api_route("/language/{code}", lambda code: keep_language(code, _LANGUAGE_COOKIE), methods=["GET"])
    SITE.add_files(app)
    Api(house).add_to(app)
    app.add_exception_handler(HTTPException, page.lost)
    hosts = frozenset(address.partition("://")[2] for address in house.addresses)
    return Guard(app, hosts, house.addresses, page.refuse, ASKING_POLICY, PREFIX)


class _Page:
    """The routes of the page."""

    def __init__(self, house: House) -> None:
        self._house, self._sessions = house, house.sessions

    async def page(self, request: Request) -> Response:
        language, visitor = self._language(request), self._sessions.visitor(request)
        if visitor is None and self._sessions.key:
            return HTMLResponse(key_page(language), 401)
        there = await run_in_threadpool(self._house.present.now)
        response = HTMLResponse(chat_page(language, there, self._house.params.temperature))
        return response if visitor else self._sessions.open(response)

    async def enter(self, request: Request) -> Response:
        """Open a session for whoever knows the key."""
        try:
            body = await read_body(request, "application/x-www-form-urlencoded", _MOST_KEY_BYTES)
        except BodyError as error:
            return self._message(request, error.key, error.status)
        [key, *_] = parse_qs(body.decode("utf-8", "replace")).get("key", [""])
        if not self._sessions.knows(key):
            return HTMLResponse(key_page(self._language(request), wrong=True), 401)
        return self._sessions.open(RedirectResponse("/", 303))

    async def answer(self, request: Request) -> Response:
        """Lines of JSON: who answers, the text as it is written, its end, and what the reward model thinks of it."""
        if self._sessions.visitor(request) is None:
            return _fault("no_session", 403)
        try:
            body = _checked(AnswerBody, await read_json(request), "bad_question")
            question = body.question()
            started, events = await self._house.ask(request, body.model, question, measured=True)
        except BodyError as error:
            return _fault(error.key, error.status, error.what)
        except AskError as error:
            return _fault("busy" if error.status == BUSY else "failed", error.status, error.message)
        lines = self._lines(started, events, question)
        return StreamingResponse(lines, media_type="application/x-ndjson")

    async def thumb(self, request: Request) -> Response:
        """Store a thumb; what is acknowledged is on the disk."""
        visitor = self._sessions.visitor(request)
        if visitor is None:
            return _fault("no_session", 403)
        try:
            body = _checked(ThumbBody, await read_json(request), "bad_body")
        except BodyError as error:
            return _fault(error.key, error.status)
        return await run_in_threadpool(self._give, body, visitor)

    def lost(self, request: Request, error: Exception) -> Response:
        """No such page, or not in that way."""
        status = error.status_code if isinstance(error, HTTPException) else 404
        return self._refusal(request, "not_found", status)

    def refuse(self, scope: Scope, key: str) -> Response:
        return self._refusal(Request(scope), key, 403)

    def _give(self, body: ThumbBody, visitor: str) -> Response:
        said = self._sessions.said(body.answer)
        if said is None:
            return _fault("bad_answer", 403)
        fault = fault_in(said, visitor, self._house.rules)
        if fault is not None and body.thumb != "none":
            return _fault("refused", 422, fault)
        try:
            outcome = self._house.thumbs.give(said, visitor, Thumb(body.thumb))
        except sqlite3.OperationalError:
            # Another process writes for long, or the disk is full.
            return _fault("not_stored", 503)
        status = _STATUS.get(outcome, 200)
        return JSONResponse({"said": outcome.value}) if status == 200 else _fault(outcome.value, status)

    async def _lines(
        self, started: Started, events: AsyncGenerator[Event], question: Question
    ) -> AsyncIterator[str]:
        yield _line("begin", version=started.version, seed=question.seed)
        async with aclosing(events):
            async for found in events:
                if isinstance(found, Piece):
                    yield _line("text", text=visible(found.text))
                elif isinstance(found, Finished):
                    signed = self._sessions.sign(said_of(question, found, started.version))
                    yield _line("end", reason=found.reason, answer=signed, tokens=len(found.tokens))
                elif isinstance(found, Measured):
                    yield _line("score", score=found.score, stars=found.stars, heat=heat_of(found))
                elif isinstance(found, Failed):
                    yield _line("failed", error="failed", what=found.message)

    def _language(self, request: Request) -> str:
        return language_for(request, _LANGUAGE_COOKIE, self._house.params.language)

    def _refusal(self, request: Request, key: str, status: int) -> Response:
        if request.url.path.startswith(PREFIX):
            return ApiError(status, f"refused: {key.replace('_', ' ')}").response()
        return self._message(request, key, status)

    def _message(self, request: Request, key: str, status: int) -> Response:
        return HTMLResponse(message_page(self._language(request), key), status)


def _checked(kind: type[_Kind], body: dict[str, Any], fault: str) -> _Kind:
    """What a body says. Raises BodyError: a field does not fit, which it names."""
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        where = error.errors()[0]["loc"]
        raise BodyError(fault, 422, str(where[0]) if where else "") from None


def _fault(key: str, status: int, what: str = "") -> Response:
    """What the page's script is told: a key of the words, and what stands in them."""
    return JSONResponse({"error": key, "what": what}, status)


def _line(kind: str, **content: Any) -> str:
    return json.dumps({"kind": kind} | content) + "\n"
