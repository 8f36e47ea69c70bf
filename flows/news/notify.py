"""Tells people what they must know, through Prefect's notification blocks. No notifier ever makes a run fail."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

from prefect.logging import get_run_logger
from prefect.logging.loggers import get_logger

from components.config import load_params
from components.config.notifications import LOG, NotificationParams
from components.errors import RlhfError
from flows.news.log_file import FILE, LogFile
from flows.news.outbox import Kind, Letter, News, forget_old, letter_of, unsent
from flows.terminal import note, printable

TRIES, PAUSE_S = 3, 1.0
#: A notifier that has not answered by then is left alone, with a thread that ends with the process.
DEADLINE_S = 15.0
#: What a notifier did not take is offered again so much later; then after pauses twice as long each, up to this.
AGAIN_S, LONGEST_PAUSE_S = 600.0, 6 * 3600.0
LONGEST_BODY = 2000
#: Chats make links and mentions of them.
_NO_MARKUP = str.maketrans({"<": "‹", ">": "›"})


def notify(root: Path, news: News) -> None:
    """Tell news to the notifiers that params.yaml names for its kind, each once.

    What a notifier does not take is told in the run's log, kept, and offered again by `tell_later`.
    """
    try:
        named = _notifiers(load_params(root / "params.yaml").notifications)
        with letter_of(root, _plain(news), named[news.kind]) as letter:
            if _is_time(letter):
                _offer(root, letter)
    except (RlhfError, OSError) as error:
        _warn(f"nobody could be told of {news.subject!r}: {error}")


def _notifiers(params: NotificationParams) -> dict[Kind, tuple[str, ...]]:
    return {
        "candidate_ready": params.candidate_ready,
        "candidate_blocked": params.candidate_blocked,
        "batch_held": params.batch_held,
        "batch_rejected": params.batch_rejected,
        "run_failed": params.run_failed,
        "training_diverged": params.training_diverged,
        "health": params.health,
    }


def tell_later(root: Path) -> None:
    """Offer what notifiers did not take, once they have had some time; forget what is long told."""
    for letter in unsent(root):
        if _is_time(letter):
            try:
                with letter_of(root, letter.news, ()) as again:
                    _offer(root, again)
            except OSError as error:
                # A letter of another user, say: the others go out, and so does what is done after this.
                _warn(f"{letter.news.subject!r} cannot be offered again: {error}")
    forget_old(root)


def _is_time(letter: Letter) -> bool:
    """At once for a new one. The same news, told again, waits as what was offered before does."""
    pause_s = min(AGAIN_S * 2.0 ** min(max(letter.attempts - 1, 0), 10), LONGEST_PAUSE_S)
    return time.time() - letter.asked_at > pause_s


def _offer(root: Path, letter: Letter) -> None:
    if letter.owed:
        letter.attempts += 1
        letter.asked_at = time.time()
    for name in list(letter.owed):
        why = _try(lambda name=name: _send(root, name, letter.news))
        if why is None:
            del letter.owed[name]
        else:
            letter.owed[name] = why
            _warn(f"{name} did not take {letter.news.subject!r}: {why}; it is offered again later")


def _try(send: Callable[[], None]) -> str | None:
    """Some attempts; None when one succeeds, else why the last did not."""
    why: str | None = None
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSE_S * attempt)
        done: list[str | None] = []
        thread = Thread(target=lambda done=done: done.append(_attempt(send)), daemon=True)
        thread.start()
        thread.join(DEADLINE_S)
        if not done:
            return f"no answer within {DEADLINE_S:g} s"
        why = done[0]
        if why is None:
            return None
    return why


def _attempt(send: Callable[[], None]) -> str | None:
    try:
        send()
    except Exception as error:  # noqa: BLE001 - whatever a notifier raises
        return _reason(error)
    return None


def _reason(error: Exception) -> str:
    """What failed, without the message: it may hold the address, which is the secret of most webhooks."""
    if isinstance(error, RlhfError):
        return error.message
    status = getattr(getattr(error, "response", None), "status_code", None)
    return f"HTTP status {status}" if status else type(error).__name__


def _send(root: Path, name: str, news: News) -> None:
    block: Any = (
        LogFile(path=root / FILE, about={"kind": news.kind, "key": news.key})
        if name == LOG
        else _load_block(name)
    )
    with block.raise_on_failure():
        block.notify(news.body, news.subject)


def _load_block(name: str) -> Any:
    # Prefect's own blocks are known once they are imported.
    from prefect.blocks import notifications  # noqa: F401
    from prefect.blocks.core import Block

    try:
        return Block.load(name)
    except ValueError:
        raise RlhfError(f"Prefect has no block {name}", "`prefect block ls` shows those there are") from None


def _plain(news: News) -> News:
    """Lines without control characters and markup, and not too long."""
    subject, body = (printable(text).translate(_NO_MARKUP) for text in (news.subject, news.body))
    return News(news.kind, news.key, subject.replace("\n", " ")[:200], body[:LONGEST_BODY])


def _warn(text: str) -> None:
    note(f"warning: {text}", "yellow")
    try:
        get_run_logger().warning("%s", text)
    except RuntimeError:
        get_logger("rlhf").warning("%s", text)
