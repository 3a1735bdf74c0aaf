"""Watching: what is asked, what is shown, when it ends, and how it outlives a participant that is away for a moment."""

from collections.abc import Mapping
from io import StringIO
from typing import Any

import httpx2
import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

from ferry.cli.failure import CommandFailed
from ferry.cli.management import ManagementClient, ManagementError
from ferry.cli.moved import Bar, Moved, PlainLines, read_progress
from ferry.cli.watch import TransferWatch

HISTORY = [{"at": "2026-01-02T03:04:05+00:00", "state": "STARTED", "what": "the provider has started", "step": 7}]


class Watched:
    """What was shown."""

    def __init__(self) -> None:
        self.moved: list[Moved] = []
        self.said: list[str] = []

    def show(self, moved: Moved) -> None:
        self.moved.append(moved)

    def say(self, text: str) -> None:
        self.said.append(text)


class Time:
    """A clock that goes on when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def read(self) -> float:
        return self.now


class Script(httpx2.BaseTransport):
    """A participant that answers with one state after the other; an int is a status, None is no answer at all."""

    def __init__(self, *states: str | int | None, progress: Mapping[str, object] | None = None) -> None:
        self._states = list(states)
        self._progress = progress
        self.asked: list[str] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        self.asked.append(path.rpartition("/")[2])
        if path.endswith("/progress"):
            return httpx2.Response(404 if self._progress is None else 200, json=self._progress, request=request)
        state = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        if state is None:
            raise httpx2.ConnectError("refused", request=request)
        if isinstance(state, int):
            return httpx2.Response(state, json=[{"message": "no", "type": "X"}], request=request)
        told: dict[str, Any] = {"@id": "t", "state": state, "history": HISTORY}
        if state == "COMPLETED":
            told["delivered"] = {"blobs": 3, "bytes": 30}
        return httpx2.Response(200, json=told, request=request)


def watching(script: Script, watched: Watched, *, timeout: float | None = None) -> TransferWatch:
    time = Time()
    client = ManagementClient("http://p.localhost/api/management/v3", transport=script)
    return TransferWatch(
        client=client, transfer_id="t", shown=watched, timeout_seconds=timeout, sleep=time.sleep, clock=time.read
    )


def test_each_line_of_history_is_said_once_and_the_end_is_shown_complete() -> None:
    watched = Watched()
    view = watching(Script("STARTED", "STARTED", "COMPLETED"), watched).until()
    assert view.state == "COMPLETED"
    assert watched.said == ["03:04:05.000  STARTED                7  the provider has started"]
    assert watched.moved[-1].line() == "100.0 %, 3 of 3 blobs, 30 B of 30 B"


def test_participant_that_knows_no_progress_is_asked_for_it_once() -> None:
    script = Script("STARTED", "STARTED", "STARTED", "COMPLETED")
    watching(script, Watched()).until()
    assert script.asked.count("progress") == 1


def test_rate_and_time_left_are_shown_as_the_api_tells_them() -> None:
    progress = {"blobsDone": 1, "bytesDone": 10_000_000, "blobsTotal": 4, "bytesTotal": 40_000_000}
    told = {**progress, "isTotalKnown": True, "bytesPerSecond": 2_000_000, "etaSeconds": 15}
    watched = Watched()
    watching(Script("STARTED", "COMPLETED", progress=told), watched).until()
    assert watched.moved[0].line() == "25.0 %, 1 of 4 blobs, 10.0 MB of 40.0 MB, 2.0 MB/s, 0:15 left"


def test_participant_that_is_away_for_a_moment_is_waited_for() -> None:
    script = Script("STARTED", None, 503, "COMPLETED")
    assert watching(script, Watched()).until().state == "COMPLETED"


def test_participant_that_stays_away_ends_the_watch() -> None:
    with pytest.raises(ManagementError, match="refused"):
        watching(Script("STARTED", None), Watched()).until()


@pytest.mark.parametrize("first", [None, 404, 503])
def test_participant_that_never_answered_ends_the_watch_at_once(first: int | None) -> None:
    script = Script(first)
    with pytest.raises(ManagementError):
        watching(script, Watched()).until()
    assert len(script.asked) == 1


def test_refusal_in_between_ends_the_watch() -> None:
    with pytest.raises(ManagementError, match="401"):
        watching(Script("STARTED", 401), Watched()).until()


def test_time_that_is_over_ends_the_watch_and_says_the_state() -> None:
    with pytest.raises(CommandFailed, match="still STARTED after 3 s"):
        watching(Script("STARTED"), Watched(), timeout=3).until()


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({}, "0 blobs, 0 B"),
        ({"blobsDone": 2, "bytesDone": 5, "blobsTotal": 9, "bytesTotal": 9, "isTotalKnown": False}, "2 blobs, 5 B"),
        ({"blobsDone": 0, "bytesDone": 0, "bytesPerSecond": 0.0}, "0 blobs, 0 B"),
        ({"blobs": 2, "bytes": 1500, "state": "STARTED"}, "2 blobs, 1.5 kB"),
        ({"blobsDone": 1, "bytesDone": 0, "blobsTotal": 2, "bytesTotal": 0}, "50.0 %, 1 of 2 blobs, 0 B of 0 B"),
        ({"blobsDone": "many", "bytesDone": -1, "etaSeconds": True}, "0 blobs, 0 B"),
        ({"blobsDone": 3, "bytesDone": 7, "bytesPerSecond": 0, "etaSeconds": None}, "3 blobs, 7 B, 0 B/s"),
    ],
)
def test_progress_is_read_whatever_is_missing_or_strange(told: dict[str, object], line: str) -> None:
    assert read_progress(told).line() == line


def test_bar_shows_the_line_and_says_above_it() -> None:
    screen = StringIO()
    with Progress(TextColumn("{task.fields[text]}"), console=Console(file=screen, force_terminal=True)) as progress:
        bar = Bar(progress, progress.add_task("", total=None, text=""))
        bar.show(Moved(blobs=1, size_bytes=5, blobs_total=2, bytes_total=10))
        bar.say("a line\x1b[2J")
    assert "50.0 %, 1 of 2 blobs" in screen.getvalue()
    assert "a line\\x1b[2J" in screen.getvalue()


def test_plain_lines_say_nothing_twice(capsys: pytest.CaptureFixture[str]) -> None:
    lines = PlainLines(every_seconds=0)
    for blobs in (1, 1, 2):
        lines.show(Moved(blobs=blobs))
    assert capsys.readouterr().err.splitlines() == ["1 blobs, 0 B", "2 blobs, 0 B"]
