"""The page: who asks, what they get, and what becomes of their answer."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

from components.collecting.acceptance import fault_in
from components.collecting.assignment import Pair, Plan, next_pair
from components.collecting.judging import Answer, Outcome, last_judgement, record, served_pair
from components.collecting.people import Annotator, annotator_of, annotator_with
from components.collecting.progress import progress_of
from components.collecting.store import Store
from components.collecting.tokens import SESSION_S, Form, Session, Signer
from components.feedback.rules import Rules
from flows.collect.forms import Draft, FormError, answer_of, draft_of, draft_of_answer, read_form
from flows.collect.pages import SITE, done_page, message_page, pair_page
from flows.collect.words import WORDS
from flows.web.bodies import BodyError
from flows.web.guard import Guard
from flows.web.languages import keep_language, language_for

_LANGUAGE_COOKIE = "collect-language"
#: What the first page may say of the one before; anything else in its address says nothing.
_SAID = {"stored": "stored", "skipped": "skipped_now", "again": "again"}


@dataclass(frozen=True)
class Collecting:
    """What the page needs.

    Attributes:
        addresses: where people open it, such as http://127.0.0.1:4300; other hosts and origins are refused.
        language: of the page, where a browser asks for none that it knows.
    """

    store: Store
    plan: Plan
    rules: Rules
    addresses: frozenset[str]
    language: str

    @property
    def secure(self) -> bool:
        """Whether people reach it by HTTPS, through a proxy: then the cookie goes nowhere else."""
        return all(address.startswith("https:") for address in self.addresses)


@dataclass(frozen=True)
class Visit:
    """A request by somebody who is known."""

    annotator: Annotator
    session: Session
    language: str


def make_app(collecting: Collecting) -> Guard:
    """The page as an ASGI application, behind its guard."""
    page = _Page(collecting)
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.add_api_route("/", page.pair, methods=["GET"])
    app.add_api_route("/back", page.back, methods=["GET"])
    app.add_api_route("/judge", page.judge, methods=["POST"])
    app.add_api_route("/join/{token}", page.join, methods=["GET"])
    app.add_api_route("/language/{code}", page.choose_language, methods=["GET"])
    SITE.add_files(app)
    app.add_exception_handler(HTTPException, page.lost)
    hosts = frozenset(address.partition("://")[2] for address in collecting.addresses)
    return Guard(app, hosts, collecting.addresses, page.refuse)


def _is_from_elsewhere(request: Request) -> bool:
    return request.headers.get("sec-fetch-site") == "cross-site"


class _Page:
    """The routes. Those that are no coroutines run in threads: they wait for the disk."""

    def __init__(self, collecting: Collecting) -> None:
        self._collecting, self._store = collecting, collecting.store
        self._signer = Signer(collecting.store)
        self._cookie = "__Host-collect" if collecting.secure else "collect"

    def join(self, request: Request, token: str) -> Response:
        """Open a session, or go on with the one that this browser has; the token does not stay in the address."""
        annotator = annotator_with(self._store, token)
        if annotator is None:
            return self._message(request, "bad_link", 403)
        if _is_from_elsewhere(request) and "opened" not in request.query_params:
            # Only then is the cookie sent along: a new session would end what is being written in another tab.
            return self._leading(request, f"/join/{token}?opened")
        response = RedirectResponse("/?opened", 303)
        key = self._key_of(request, annotator)
        value = self._signer.new_session(annotator.number, annotator.token_digest, key)
        secure = self._collecting.secure
        response.set_cookie(
            self._cookie, value, max_age=SESSION_S, httponly=True, samesite="strict", secure=secure
        )
        return response

    def _key_of(self, request: Request, annotator: Annotator) -> str | None:
        """Of the session that this browser has with the same link."""
        visit = self._visit(request)
        return visit.session.key if visit is not None and visit.annotator == annotator else None

    def pair(self, request: Request) -> Response:
        """The next pair."""
        visit = self._visit(request)
        if visit is None:
            return self._stranger(request)
        said = WORDS[visit.language].get(_SAID.get(request.query_params.get("said", ""), ""), "")
        found = next_pair(self._store, visit.annotator.number, self._collecting.plan)
        if found is None:
            progress = progress_of(self._store, visit.annotator.number)
            can_go_back = last_judgement(self._store, visit.annotator.number) is not None
            return HTMLResponse(done_page(visit.language, progress, can_go_back, said))
        return HTMLResponse(self._pair_page(visit, found, 0, said=said))

    def back(self, request: Request) -> Response:
        """What the person said last, to be changed."""
        visit = self._visit(request)
        if visit is None:
            return self._stranger(request)
        last = last_judgement(self._store, visit.annotator.number)
        if last is None:
            return RedirectResponse("/", 303)
        said = WORDS[visit.language]["changing"]
        draft = draft_of_answer(last.answer)
        return HTMLResponse(self._pair_page(visit, last.pair, last.revision, draft=draft, said=said))

    async def judge(self, request: Request) -> Response:
        """Store an answer."""
        try:
            fields = await read_form(request)
        except BodyError as error:
            return self._message(request, error.key, error.status)
        return await run_in_threadpool(self._judge, request, fields)

    def choose_language(self, code: str) -> Response:
        return keep_language(code, _LANGUAGE_COOKIE)

    def lost(self, request: Request, error: Exception) -> Response:
        """No such page, or not in that way."""
        return self._message(
            request, "not_found", error.status_code if isinstance(error, HTTPException) else 404
        )

    def refuse(self, scope: Scope, key: str) -> Response:
        return self._message(Request(scope), key, 403)

    def _judge(self, request: Request, fields: dict[str, str]) -> Response:
        visit = self._visit(request)
        if visit is None:
            return self._message(request, "no_session", 403)
        form = self._signer.form(visit.session, fields.get("form", ""))
        pair = None if form is None else served_pair(self._store, visit.annotator.number, form.task)
        if form is None or pair is None:
            return self._message(request, "bad_form", 403)
        try:
            answer = self._acceptable(answer_of(fields, pair), pair, visit)
            outcome = record(self._store, visit.annotator.number, form, answer)
        except FormError as error:
            return self._again(visit, pair, form, fields, error)
        except sqlite3.OperationalError:
            # Another process writes for long, or the disk is full.
            return self._again(visit, pair, form, fields, FormError("busy", 503))
        return self._after(request, outcome, answer)

    def _acceptable(self, answer: Answer, pair: Pair, visit: Visit) -> Answer:
        fault = fault_in(answer, pair, visit.annotator.name, self._collecting.rules)
        if fault is not None:
            raise FormError(f"refused_{fault[0]}", 422, fault[1])
        return answer

    def _again(
        self, visit: Visit, pair: Pair, form: Form, fields: dict[str, str], error: FormError
    ) -> Response:
        """The same page with all that was written, and why it was not taken."""
        fault = WORDS[visit.language][error.key].format(what=error.what)
        page = self._pair_page(visit, pair, form.revision, draft=draft_of(fields, pair), fault=fault)
        return HTMLResponse(page, error.status)

    def _after(self, request: Request, outcome: Outcome, answer: Answer) -> Response:
        if outcome in (Outcome.stored, Outcome.again):
            said = "skipped" if answer.choice == "skip" else outcome.value
            return RedirectResponse(f"/?said={said}", 303)
        return self._message(request, {Outcome.unknown: "bad_form"}.get(outcome, outcome.value), 409)

    def _pair_page(
        self,
        visit: Visit,
        pair: Pair,
        revision: int,
        draft: Draft | None = None,
        said: str = "",
        fault: str = "",
    ) -> str:
        token = self._signer.sign_form(visit.session, Form(pair.number, revision))
        progress, changing = progress_of(self._store, visit.annotator.number), revision > 0
        return pair_page(
            visit.language, pair, token, progress, draft=draft, changing=changing, said=said, fault=fault
        )

    def _visit(self, request: Request) -> Visit | None:
        session = self._signer.session(request.cookies.get(self._cookie, ""))
        annotator = None if session is None else annotator_of(self._store, session)
        if session is None or annotator is None:
            return None
        return Visit(annotator, session, self._language(request))

    def _language(self, request: Request) -> str:
        return language_for(request, _LANGUAGE_COOKIE, self._collecting.language)

    def _stranger(self, request: Request) -> Response:
        """Who comes from a link in a mail sends no strict cookie yet, but does when our own page leads on.

        Without HTTPS a browser does not say where somebody comes from: then it is told by what `join` led to.
        """
        if _is_from_elsewhere(request) or "opened" in request.query_params:
            return self._leading(request, "/")
        return self._message(request, "no_session", 403)

    def _leading(self, request: Request, path: str) -> Response:
        language = self._language(request)
        return HTMLResponse(message_page(language, WORDS[language]["opening"], lead=path))

    def _message(self, request: Request, key: str, status: int) -> Response:
        language = self._language(request)
        return HTMLResponse(message_page(language, WORDS[language][key]), status)
