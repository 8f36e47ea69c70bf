"""An OpenAI-compatible endpoint (chat/completions): asked with patience, in bounds, and without telling the key."""

from __future__ import annotations

import ipaddress
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Event
from typing import Any

import httpx

from components.errors import ConfigError, RlhfError

#: Of a reply that is read.
MOST_BYTES = 1 << 20
#: A server that asks for a longer pause than this (seconds) is left alone: what was answered is kept.
LONGEST_PAUSE_S = 120.0
_TRY_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
#: Characters of a server's own words in an error.
_QUOTED = 200


class EndpointError(RlhfError):
    """The endpoint does not answer, refuses, or does not speak as OpenAI's does."""


class StoppedError(Exception):
    """The run ends: whoever waits for another try gives up."""


@dataclass(frozen=True)
class Reply:
    """Attributes: text: what the model said; model: which one the server says it was."""

    text: str
    model: str


@dataclass(frozen=True)
class Endpoint:
    """Where and how to ask.

    Attributes:
        url: of chat/completions; key: sent as the bearer's token, empty for none.
        timeout_s: for one reply, altogether; attempts: at most for one question.
        backoff_s: the first pause where the server names none; each one after is twice as long.
        stop: ends pauses.
    """

    url: httpx.URL
    key: str = field(default="", repr=False)
    timeout_s: float = 60.0
    attempts: int = 6
    backoff_s: float = 1.0
    stop: Event = field(default_factory=Event)

    @property
    def host(self) -> str:
        """Host and port, as reports name it."""
        return self.url.netloc.decode("ascii")

    def client(self) -> httpx.Client:
        """A client for many threads. Redirections are not followed: the key is for this host alone."""
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        headers |= {"Authorization": f"Bearer {self.key}"} if self.key else {}
        # A proxy that the environment names cannot reach this machine's own loopback.
        return httpx.Client(headers=headers, timeout=self.timeout_s, trust_env=not is_loopback(self.url.host))

    def ask(self, client: httpx.Client, body: Mapping[str, Any]) -> Reply:
        """One question, asked again where the server is busy or does not answer.

        Raises:
            EndpointError: it refuses, stays silent after all attempts, or answers in another form.
            StoppedError: `stop` was set meanwhile.
        """
        trouble = ""
        for attempt in range(1, self.attempts + 1):
            if self.stop.is_set():
                raise StoppedError
            status, headers, content, trouble = self._once(client, body)
            if status == 200:
                return _reply(content)
            if status and status not in _TRY_AGAIN:
                raise self._refused(status, content)
            if attempt < self.attempts:
                self._pause(attempt, headers.get("Retry-After"))
        remedy = "try again later, with fewer at once (--concurrency): what was answered is kept and not asked again"
        raise EndpointError(f"{self.host} did not answer in {self.attempts} attempts: {trouble}", remedy)

    def _once(
        self, client: httpx.Client, body: Mapping[str, Any]
    ) -> tuple[int, Mapping[str, str], bytes, str]:
        """Status (0 where there was none), headers, content, and what was wrong."""
        deadline = time.monotonic() + self.timeout_s
        try:
            with client.stream("POST", self.url, content=json.dumps(body).encode("ascii")) as response:
                content = _read(response, deadline)
                return response.status_code, response.headers, content, f"status {response.status_code}"
        except httpx.TimeoutException:
            return 0, {}, b"", f"no answer within {self.timeout_s:g} s"
        except httpx.TransportError as error:
            return 0, {}, b"", f"{type(error).__name__}: {self._told(str(error))}"

    def _pause(self, attempt: int, retry_after: str | None) -> None:
        asked = _seconds(retry_after)
        if asked is not None and asked > LONGEST_PAUSE_S:
            remedy = "try again then: what was answered is kept and not asked again"
            raise EndpointError(f"{self.host} asks for a pause of {asked:.0f} s", remedy)
        # Spread, so that threads that were turned away together do not come again together.
        grown = min(self.backoff_s * 2 ** (attempt - 1), LONGEST_PAUSE_S) * random.uniform(0.5, 1)  # noqa: S311
        if self.stop.wait(grown if asked is None else asked):
            raise StoppedError

    def _refused(self, status: int, content: bytes) -> EndpointError:
        said = self._told(content.decode("utf-8", "replace"))
        remedy = {
            401: "set RLHF_JUDGE_API_KEY to a key of this endpoint",
            403: "set RLHF_JUDGE_API_KEY to a key that may use this model",
            404: "mend --endpoint, such as https://host/v1, or --model",
            400: "mend --model; models that think first and know no temperature need --reasoning",
        }.get(status, "mend --endpoint; redirections are not followed")
        return EndpointError(f"{self.host} refused with status {status}: {said}", remedy)

    def _told(self, words: str) -> str:
        """A server's words, cut, and without the key should it say that back."""
        return (words.replace(self.key, "***") if self.key else words)[:_QUOTED]


def endpoint_url(text: str, *, plain_http: bool = False) -> httpx.URL:
    """The address of chat/completions, from the server's address with or without that path.

    Raises:
        ConfigError: not http(s), with credentials or a query, or unencrypted to another machine without `plain_http`.
    """
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL:
        raise ConfigError("--endpoint is no address", "give one such as https://host/v1") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigError("--endpoint is no http address", "give one such as https://host/v1")
    if url.userinfo or url.query or url.fragment:
        remedy = "give the address alone; the key goes into RLHF_JUDGE_API_KEY"
        raise ConfigError("--endpoint holds credentials, a query or a fragment", remedy)
    if url.scheme == "http" and not plain_http and not is_loopback(url.host):
        remedy = "take https, or allow it with --plain-http"
        raise ConfigError(f"{url.host} would get key and texts unencrypted, over http", remedy)
    path = url.path.rstrip("/") or "/v1"
    return url.copy_with(path=path if path.endswith("/chat/completions") else f"{path}/chat/completions")


def check_key(key: str) -> str:
    """The key, fit for a header.

    Raises:
        ConfigError: it is not; said without it, as a library's error would not.
    """
    if not (key.isascii() and all("!" <= sign <= "~" for sign in key)):
        remedy = "set it again without spaces and line breaks"
        raise ConfigError("RLHF_JUDGE_API_KEY holds characters that no key has", remedy)
    return key


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read(response: httpx.Response, deadline: float) -> bytes:
    content = b""
    for chunk in response.iter_raw():
        content += chunk
        if len(content) > MOST_BYTES:
            raise EndpointError(f"a reply is longer than {MOST_BYTES:,} bytes", "ask another model")
        if time.monotonic() > deadline:
            # The library's limit is for each piece: a server may send a byte now and then for ever.
            raise httpx.ReadTimeout("the reply takes too long")
    return content


def _reply(content: bytes) -> Reply:
    try:
        answered = json.loads(content)
        choices: Sequence[Any] = answered["choices"]
        text = choices[0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        remedy = "give the address of an OpenAI-compatible server, such as https://host/v1"
        raise EndpointError("the endpoint's reply is no chat completion", remedy) from None
    # Models that refuse, or ran out of tokens while they thought, have null here: a reply without a verdict.
    return Reply(text if isinstance(text, str) else "", str(answered.get("model") or "")[:_QUOTED])


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After, seconds or a date (RFC 9110, 10.2.3); None for anything else."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal() and len(retry_after) < 12:
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
