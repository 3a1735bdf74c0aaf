"""Goal 11: a copy of large blobs is killed when half of its blocks are staged, and gone on with."""

import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from bench.copiers.copier import AZCOPY, Copier, Start, Task
from bench.copiers.ours import engine_start
from bench.measuring.lab import Lab
from bench.measuring.process import Measured, Program
from bench.measuring.table import Row
from bench.standin.behaviour import Behaviour
from bench.standin.running import StandIn, running_stand_in
from bench.standin.written import Verdict

_BLOB_BYTES = 512 * 2**20
_BLOBS, _SMALL = 8, 3
# Slow enough that a good part of the blocks is still to come when half of them are there.
_REQUESTS_RATE, _LATENCY_SECONDS = 40.0, 0.1
_TIMEOUT_SECONDS = 300.0
MOST_AGAIN = 16
_JOB = re.compile(r"Job ([0-9a-f-]{36}) has started")


class Resumed(NamedTuple):
    """What came of it: blocks that were staged at the kill, the most requests at once, the end of the second run."""

    staged: int
    most_in_flight: int
    ending: Measured
    verdict: Verdict

    @property
    def told(self) -> str:
        """For the table."""
        again, code = self.verdict["staged_again"], self.ending.exit_code
        return f"{again} of {self.staged} again, {self.verdict['equal']} equal, exit code {code}"


def resumed_copies(lab: Lab) -> Iterator[Row]:
    """With a SAS that may look at the destination, and with one that may only write there."""
    behaviour = Behaviour(
        blobs=lab.size(_BLOBS, _SMALL, least=3),
        sizes=(_BLOB_BYTES,),
        latency_seconds=_LATENCY_SECONDS,
        requests_rate=_REQUESTS_RATE,
    )
    others = {AZCOPY: _azcopy(lab.copiers[AZCOPY], behaviour).told} if AZCOPY in lab.copiers else {}
    for letters, options, most in (("rcwl", ["--may-list"], 0), ("cw", [], MOST_AGAIN)):
        made = _ours(behaviour, letters, options)
        is_whole = made.verdict["equal"] == behaviour.blobs and made.ending.exit_code == 0
        yield Row(
            goal=f"11 staged blocks sent again after kill -9, SAS `{letters}`",
            target=f"≤ {most}" if most else "0",
            ours=made.told,
            others=others if most == 0 else {},
            is_met=is_whole and made.verdict["staged_again"] <= most,
        )


def _ours(behaviour: Behaviour, letters: str, options: list[str]) -> Resumed:
    with running_stand_in(behaviour) as service, tempfile.TemporaryDirectory(prefix="bench-") as place:
        folder = Path(place)
        task = Task(source_url=service.source_url, destination_url=service.destination_url(letters))
        start = engine_start(task, *options, "--checkpoint", str(folder / "checkpoint"))
        _killed(start, service, folder, behaviour)
        staged = service.mark()
        ending = Program(start.command, start.environment, folder).ended(_TIMEOUT_SECONDS)
        return Resumed(staged, service.stats()["most_in_flight"], ending, service.verdict())


def _azcopy(copier: Copier, behaviour: Behaviour) -> Resumed:
    with running_stand_in(behaviour) as service, tempfile.TemporaryDirectory(prefix="bench-") as place:
        folder = Path(place)
        task = Task(source_url=service.source_url, destination_url=service.destination_url())
        start = copier.start(task, folder)
        found = _JOB.search(_killed(start, service, folder, behaviour).output)
        staged = service.mark()
        sas = [f"--source-sas={task.source_url.partition('?')[2]}"]
        sas += [f"--destination-sas={task.destination_url.partition('?')[2]}"]
        job = found[1] if found else ""
        command = [start.command[0], "jobs", "resume", job, *sas, "--skip-version-check"]
        ending = Program(command, start.environment, folder).ended(_TIMEOUT_SECONDS)
        return Resumed(staged, service.stats()["most_in_flight"], ending, service.verdict())


def _killed(start: Start, service: StandIn, folder: Path, behaviour: Behaviour) -> Measured:
    """Start, and kill when half of all blocks of 32 MiB (or as many bytes) are staged."""
    program = Program(start.command, start.environment, folder)
    half = behaviour.blobs * _BLOB_BYTES // 2
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while service.staged_bytes() < half and program.is_running and time.monotonic() < deadline:
        time.sleep(0.02)
    program.kill()
    return program.ended(_TIMEOUT_SECONDS)
