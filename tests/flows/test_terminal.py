import io
import time

import pytest
from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import TextColumn

from components.progress import Progress
from flows import terminal
from flows.artifacts import cell, key, table
from flows.display import Display, LiveDisplay, PlainDisplay, StageRun, display, on_terminal
from flows.pace import Pace, Reading


@pytest.fixture
def screen(monkeypatch):
    """What a colour terminal would get on stdout."""
    buffer = io.StringIO()
    console = Console(
        file=buffer, force_terminal=True, color_system="standard", highlight=False, soft_wrap=True
    )
    monkeypatch.setattr(terminal, "results", lambda: console)
    return buffer


def test_controls_become_visible_and_text_stays():
    assert terminal.printable("naïve 日本 🙂\n\tx") == "naïve 日本 🙂\n\tx"
    assert terminal.printable("\x1b[31m\x9b2J\x00\r") == "\\x1b[31m\\x9b2J\\x00\\x0d"
    assert terminal.printable("a\u202eb\u200bc\ud800") == "a\\u202eb\\u200bc\\ud800"


def test_markup_and_links_are_text(screen):
    terminal.say("[bold]loud[/bold] [link=https://x]y[/link] :smile: [/]")
    assert screen.getvalue() == "[bold]loud[/bold] [link=https://x]y[/link] :smile: [/]\n"


def test_no_escape_of_a_stranger_reaches_the_terminal(screen):
    terminal.say("\x1b]0;title\x07\x1b[2J")
    assert screen.getvalue() == "\\x1b]0;title\\x07\\x1b[2J\n"


def test_a_cell_of_a_table_cannot_leave_it():
    assert cell("a|b\n<script>[x](y)") == "a\\|b &lt;script&gt;\\[x\\](y)"
    assert table(["h"], [["1"]]) == "| h |\n| --- |\n| 1 |"


def test_keys_of_artifacts():
    assert key("reward_model") == "reward-model"


def test_the_live_bar_shows_where_a_stage_is():
    buffer = io.StringIO()
    console = Console(file=buffer, force_terminal=True, width=100)
    columns = (TextColumn("{task.description} {task.completed}/{task.total} {task.fields[figures]}"),)
    with Bars(*columns, console=console, auto_refresh=False) as bars:
        live = LiveDisplay(bars)
        live.started("ppo")
        live.progress(Progress("ppo", 3, 40, {"score": 0.5123456}))
        bars.refresh()
        live.line("[red]\x1b[2Ja line")
        assert not bars.finished
        live.finished(StageRun("ppo", "ran", 1.0))
        assert bars.tasks == []
        live.finished(StageRun("evaluate", "up to date", 0.0))
    shown = buffer.getvalue()
    assert "ppo 3/40 score 0.5123" in shown
    assert "[red]\\x1b[2Ja line" in shown


@pytest.mark.parametrize(("is_terminal", "kind"), [(True, LiveDisplay), (False, PlainDisplay)])
def test_bars_are_for_terminals_and_lines_for_files(monkeypatch, is_terminal, kind):
    console = Console(file=io.StringIO(), force_terminal=is_terminal)
    monkeypatch.setattr("flows.display.notes", lambda: console)
    with on_terminal():
        assert type(display()) is kind
    assert type(display()) is Display


def test_progress_is_told_to_prefect_at_most_once_a_second(monkeypatch):
    from flows import artifacts

    told = []
    monkeypatch.setattr(
        artifacts, "create_progress_artifact", lambda percent, key: told.append((key, percent)) or "id"
    )
    monkeypatch.setattr(artifacts, "update_progress_artifact", lambda _, percent: told.append(percent))
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    artifact = artifacts.ProgressArtifact("reward_model")
    for step, now in ((1, 0.0), (2, 0.5), (3, 1.5), (4, 1.6)):
        clock[0] = now
        artifact.update(Progress("reward_model", step, 4, {}))
    assert told == [("reward-model-progress", 25.0), 75.0, 100.0]


def test_the_pace_is_that_of_the_steps_that_were_seen(monkeypatch):
    """Of a stage that goes on at step 100 of 400, and does one in two seconds."""
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    pace = Pace()
    assert pace.words(Progress("ppo", 100, 400, {})) == ""
    clock[0] = 20.0
    assert pace.words(Progress("ppo", 110, 400, {})) == "0.5 steps/s, 0:09:40 left"


def test_how_far_a_large_file_is_read_is_told_now_and_then(monkeypatch, capsys):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    reading = Reading()
    for now, rows, share in ((4.0, 1000, 0.1), (8.0, 40_000, 0.4), (9.0, 50_000, 0.5), (20.0, 80_000, None)):
        clock[0] = now
        reading.tell(rows, share)
    assert capsys.readouterr().err.splitlines() == [
        "40,000 rows read, 40 % of the file (5,000 rows/s, 0:00:12 left)",
        "80,000 rows read (4,000 rows/s)",
    ]
