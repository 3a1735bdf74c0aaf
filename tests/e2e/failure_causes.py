"""The places where the consumer of a failed transfer finds its cause, what stands there, and a table of all."""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ferry.cli.management import JsonObject
from tools.trace.recording import RecordedSpan, read_spans

from .commands import ferry_command
from .failure_cases import FAILURES, FailureCase
from .failure_stage import FailureStage

LIST, DETAIL, CLI, API, TRACE = "list", "detail", "CLI", "API", "trace"
NOTHING = "nothing"
# A span leaves when it ends, which is after the commit that the API shows.
PATIENCE_SECONDS = 5.0
_TABLE_CAUSE = re.compile(r"^It failed(?: at step \d+)? with (\w+):", re.MULTILINE)

type Environment = Mapping[str, Mapping[str, str]]


@dataclass(slots=True)
class CauseMatrix:
    """A row for each of the twelve failures, a column for each place; a cell holds the code that was found there."""

    places: Sequence[str]
    _found: dict[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])

    def take(self, case: FailureCase, found: Mapping[str, str]) -> None:
        """What was found for a failure, by place."""
        self._found.update({(case.name, place): code for place, code in found.items()})

    def missing(self) -> list[str]:
        """The cells that do not hold their failure's code; one that was never looked at is among them."""
        return [
            f"{case.name}, {place}: {self._cell(case, place)} instead of {case.code}"
            for case in FAILURES
            for place in self.places
            if self._cell(case, place) != case.code
        ]

    def lines(self) -> list[str]:
        """The table, and how many cells hold what they should."""
        rows = [self._line("failure", "code", self.places)]
        for case in FAILURES:
            marks = ["yes" if self._cell(case, place) == case.code else "MISSING" for place in self.places]
            rows.append(self._line(case.name, case.code, marks))
        cells, missing = len(FAILURES) * len(self.places), self.missing()
        return [*rows, f"{cells - len(missing)} of {cells}", *missing]

    def _cell(self, case: FailureCase, place: str) -> str:
        return self._found.get((case.name, place), NOTHING)

    def _line(self, name: str, code: str, cells: Sequence[str]) -> str:
        return f"{name:30} {code:24} {' '.join(f'{cell:7}' for cell in cells)}".rstrip()


def recording(environment: Environment, folder: Path) -> Environment:
    """The environment in which each participant, too, writes its spans into the folder."""
    return {
        name: {**variables, "FERRY_TELEMETRY": f"file:{folder}/{name}-{{pid}}.jsonl"}
        for name, variables in environment.items()
    }


def told_without_browser(stage: FailureStage, transfer_id: str, spans_folder: Path) -> dict[str, str]:
    """The code as command line, API and trace tell it."""
    return {
        CLI: _in_cli(stage, transfer_id),
        API: _in_api(stage, transfer_id),
        TRACE: awaited(lambda: _in_trace(stage, transfer_id, spans_folder)),
    }


def awaited(look: Callable[[], str]) -> str:
    """What a place tells as soon as it tells anything, or NOTHING when the patience is over."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (found := look()) == NOTHING and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _in_api(stage: FailureStage, transfer_id: str) -> str:
    return _code_of(stage.consumer.ask("GET", f"/transferprocesses/{transfer_id}"))


def _in_cli(stage: FailureStage, transfer_id: str) -> str:
    """`ferry transfer explain`, for programs and for people, as the consumer's operator types it."""
    document = _explained(stage, transfer_id, "json")
    to_program = _code_of(json.loads(document or "{}"))
    to_people = " and ".join(_TABLE_CAUSE.findall(_explained(stage, transfer_id, "table"))) or NOTHING
    return to_program if to_program == to_people else f"{to_program} (json), {to_people} (table)"


def _code_of(shown: JsonObject) -> str:
    error: JsonObject = shown.get("error") or {}
    return str(error.get("code", NOTHING))


def _explained(stage: FailureStage, transfer_id: str, output: str) -> str:
    """What the command prints; nothing where it fails."""
    shown = stage.stack.participant(stage.consumer_name)
    machine = {name: value for name, value in os.environ.items() if not name.startswith("FERRY_")}
    done = subprocess.run(
        ferry_command("transfer", "explain", transfer_id, "--output", output),
        env={**machine, "FERRY_URL": shown.url, "FERRY_API_KEY": shown.api_key},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.stdout if done.returncode == 0 else ""


def _in_trace(stage: FailureStage, transfer_id: str, folder: Path) -> str:
    """What the consumer's own spans of the transfer's trace tell of the line of history that ended it."""
    trace = (stage.document(stage.consumer_name, transfer_id).trace_parent or "").split("-")[1:2]
    ends = [
        event
        for span in _spans(folder, stage.consumer_name)
        for event in span.events
        if [span.trace] == trace and (event.get("process"), event.get("state")) == (transfer_id, "TERMINATED")
    ]
    return str(min(ends, key=lambda event: event["at_ns"]).get("code", NOTHING)) if ends else NOTHING


def _spans(folder: Path, participant: str) -> list[RecordedSpan]:
    try:
        return [span for path in folder.glob(f"{participant}-*.jsonl") for span in read_spans(path)]
    except json.JSONDecodeError:
        return []  # its last line is being written
