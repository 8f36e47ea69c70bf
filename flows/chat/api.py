"""`/v1`: what programs that speak OpenAI's protocol may ask."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from components.serving.question import Event, Failed, Finished, Piece, Question
from flows.chat.errors import ApiError
from flows.chat.house import FAILED, GONE, UNKNOWN, AskError, House, no_model
from flows.chat.reading import read_json
from flows.chat.requests import ChatRequest, CompletionRequest, parse
from flows.chat.shapes import ChatShape, Shape, event
from flows.web.bodies import BodyError

PREFIX = "/v1/"
_BODY = {"bad_body": "the body is not a JSON object", "too_large": "the body is too large"}


class Api:
    """The routes."""

    def __init__(self, house: House) -> None:
        self._house = house

    def add_to(self, app: FastAPI) -> None:
        app.add_api_route("/v1/models", self.models, methods=["GET"])
        app.add_api_route("/v1/models/{name}", self.model, methods=["GET"])
        app.add_api_route("/v1/completions", self.completions, methods=["POST"])
        app.add_api_route("/v1/chat/completions", self.chat, methods=["POST"])
        app.add_exception_handler(ApiError, lambda _, error: error.response())

    async def models(self, request: Request) -> Response:
        self._check(request)
        there = await run_in_threadpool(self._house.present.now)
        return JSONResponse({"object": "list", "data": [_model(*each) for each in there.items()]})

    async def model(self, request: Request, name: str) -> Response:
        self._check(request)
        there = await run_in_threadpool(self._house.present.now)
        if name not in there:
            raise _unknown(no_model(name))
        return JSONResponse(_model(name, there[name]))

    async def completions(self, request: Request) -> Response:
        self._check(request)
        asked = parse(CompletionRequest, await _body(request))
        return await self._answer(request, asked, asked.question(self._house.params.choices), Shape)

    async def chat(self, request: Request) -> Response:
        self._check(request)
        asked = parse(ChatRequest, await _body(request))
        return await self._answer(request, asked, asked.question(self._house.params.choices), ChatShape)

    async def _answer(
        self,
        request: Request,
        asked: CompletionRequest | ChatRequest,
        question: Question,
        make_shape: type[Shape],
    ) -> Response:
        try:
            started, events = await self._house.ask(request, asked.model, question)
        except AskError as error:
            if error.status == UNKNOWN:
                raise _unknown(error.message) from None
            raise ApiError(error.status, error.message) from None
        shape = make_shape(asked.model, started.version)
        if asked.stream:
            parts = _stream(events, question, shape, with_usage=asked.wants_usage)
            return StreamingResponse(parts, media_type="text/event-stream")
        return await _whole(events, question, shape)

    def _check(self, request: Request) -> None:
        """Raises ApiError: 401 where a key is wanted and another one, or none, is given."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if not self._house.sessions.knows(key.strip() if scheme.lower() == "bearer" else ""):
            raise ApiError(401, "the API key is missing or wrong: send it as `Authorization: Bearer KEY`")


async def _body(request: Request) -> dict[str, object]:
    try:
        return await read_json(request)
    except BodyError as error:
        raise ApiError(error.status, _BODY[error.key]) from None


async def _whole(events: AsyncGenerator[Event], question: Question, shape: Shape) -> Response:
    answers = []
    async with aclosing(events):
        async for found in events:
            if isinstance(found, Failed):
                raise ApiError(FAILED, found.message)
            if isinstance(found, Finished):
                answers.append(found)
    if len(answers) < len(question.prompts) * question.n:
        return Response(status_code=GONE)
    return JSONResponse(shape.whole(answers, question.n))


async def _stream(
    events: AsyncGenerator[Event], question: Question, shape: Shape, *, with_usage: bool
) -> AsyncIterator[str]:
    answers = []
    for number in range(len(question.prompts) * question.n):
        if begin := shape.begin(number, with_usage=with_usage):
            yield begin
    async with aclosing(events):
        async for found in events:
            if isinstance(found, Failed):
                yield event(ApiError(FAILED, found.message).content())
                return
            if isinstance(found, Piece):
                yield shape.chunk(found.choice, found.text, None, with_usage=with_usage)
            if isinstance(found, Finished):
                answers.append(found)
                yield shape.chunk(found.choice, None, found.reason, with_usage=with_usage)
    if with_usage:
        yield shape.usage_chunk(answers, question.n)
    yield "data: [DONE]\n\n"


def _model(name: str, version: str) -> dict[str, object]:
    # When it was made the registry knows; clients only want a number here.
    return {"id": name, "object": "model", "created": 0, "owned_by": version}


def _unknown(message: str) -> ApiError:
    return ApiError(404, message, "model", "model_not_found")
