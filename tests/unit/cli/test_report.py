"""When a demo has gone well, and how it is told to programs and to people."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from ferry.cli.demo_steps import StepLog
from ferry.cli.failure import CommandFailed, tail
from ferry.cli.management import HistoryLine
from ferry.cli.progress import Display
from ferry.cli.report import DemoReport, StepLine

BEGUN_AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _good() -> DemoReport:
    return DemoReport(
        state="DEPROVISIONED",
        states=["COMPLETED", "DEPROVISIONED"],
        blobs=2,
        size_bytes=9,
        verified=2,
        deprovisioned=True,
    )


def _line(step: int | None, seconds: float, what: str = "done") -> HistoryLine:
    return HistoryLine(BEGUN_AT + timedelta(seconds=seconds), "STARTED", what, step)


def test_demo_that_went_well_is_good() -> None:
    assert _good().is_good


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("state", "COMPLETED"),
        ("states", ["TERMINATED", "DEPROVISIONED"]),
        ("verified", 1),
        ("blobs", 0),
        ("deprovisioned", False),
        ("leftovers", ["container c"]),
        ("kept", {"bystander kept": False}),
        ("error", CommandFailed("what", next_step="next")),
    ],
)
def test_demo_with_one_thing_wrong_is_not_good(member: str, value: object) -> None:
    report = _good()
    setattr(report, member, value)
    assert not report.is_good


def test_json_holds_what_failed_where_and_what_to_do(tmp_path: Path) -> None:
    report = DemoReport(error=CommandFailed("it broke", next_step="mend it", log=tmp_path / "a.log"))
    report.steps = [StepLine(3, BEGUN_AT, "consumer", "container ready")]
    shown = report.to_json()
    assert shown["error"] == {"what": "it broke", "where": str(tmp_path / "a.log"), "next": "mend it"}
    assert shown["steps"] == [
        {"step": 3, "at": "2026-01-02T03:04:05.000000Z", "side": "consumer", "what": "container ready"}
    ]


def test_plain_console_shows_a_line_for_each_step_without_colours() -> None:
    output = StringIO()
    display = Display(Console(file=output))
    with display.phase("transfer", "Transfer"):
        display.step(StepLine(5, datetime.now(UTC), "consumer", "request sent [to] the provider"))
    assert output.getvalue().startswith("Transfer\n")
    assert "   5  consumer  request sent [to] the provider\n" in output.getvalue()
    assert display.seconds.keys() == {"transfer"}


def test_steps_of_both_sides_are_shown_once_and_in_order() -> None:
    shown: list[StepLine] = []
    log = StepLog(shown.append)
    log.observe(("consumer", [_line(1, 0), _line(None, 1), _line(7, 3)]), ("provider", [_line(6, 2)]))
    log.observe(("consumer", [_line(1, 0), _line(7, 3)]), ("provider", [_line(6, 2), _line(5, 1)]))
    assert [(line.step, line.side) for line in shown] == [
        (1, "consumer"),
        (6, "provider"),
        (7, "consumer"),
        (5, "provider"),
    ]
    assert [line.step for line in log.lines] == [1, 5, 6, 7]


def test_end_of_a_log_is_shown_and_a_missing_log_is_empty(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    assert tail(log) == ""
    log.write_bytes(b"one\ntwo\nthr\xffee\n")
    assert tail(log, lines=2) == "two\nthr\N{REPLACEMENT CHARACTER}ee"
