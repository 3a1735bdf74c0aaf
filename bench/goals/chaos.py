"""Goals 15 and 16: faults by the dozen, workers that are killed and go on, and several workers on one copy."""

import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from bench.copiers.copier import AZCOPY, RCLONE, Task
from bench.copiers.ours import engine_start
from bench.measuring.lab import Lab
from bench.measuring.process import Measured, Program
from bench.measuring.table import Row
from bench.standin.behaviour import Behaviour
from bench.standin.counts import Stats
from bench.standin.running import StandIn, running_stand_in
from bench.standin.written import Verdict

_SEED = 20
_FAULT_SHARE = 0.05
# Whole blobs and blobs in blocks, side by side.
_SIZES = (64 * 2**10, 16 * 2**10, 384 * 2**20)
_TIMEOUT_SECONDS = 600.0
_MOST_RUNS = 40
FOUR_TO_ONE = 3.8


class Worked(NamedTuple):
    """What workers did together: how long it took, how often one was killed, what came of it."""

    seconds: float
    kills: int
    endings: tuple[Measured, ...]
    verdict: Verdict
    stats: Stats

    @property
    def is_right(self) -> bool:
        """Everything there, equal, and made once."""
        verdict = self.verdict
        ended_well = all(it.exit_code == 0 for it in self.endings)
        return ended_well and verdict["equal"] == verdict["blobs"] and not verdict["written_twice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """Workers that share the pages of a copy; each is killed up to `kills` times, after a random while."""

    workers: int
    options: Sequence[str]
    kills: int = 0
    longest_seconds: float = 1.5


def faults_and_kills(lab: Lab) -> Iterator[Row]:
    """Goal 16."""
    behaviour = Behaviour(
        blobs=lab.size(3000, 150),
        sizes=_SIZES,
        latency_seconds=0.02,
        fault_share=_FAULT_SHARE,
        fault_seed=_SEED,
    )
    crew = Crew(workers=1, options=["--page-blobs", "1000", "--window", "32"], kills=3)
    made = worked(behaviour, crew)
    # They have no kills to go on after, only the faults.
    peers = {name: lab.copied(name, behaviour) for name in (AZCOPY, RCLONE) if name in lab.copiers}
    yield Row(
        goal=f"16 {_FAULT_SHARE:.0%} faults (500, 503, resets, cut answers), {made.kills} kills",
        target="all equal, none made twice",
        ours=_told(made.verdict, max(it.exit_code for it in made.endings)),
        others={name: f"{_told(it.verdict, it.measured.exit_code)}, no kills" for name, it in peers.items()},
        is_met=made.is_right,
    )


def several_engines(lab: Lab) -> Iterator[Row]:
    """Goal 15, of the engines alone: four processes that each copy every fourth page, at 100 ms and 32 at once."""
    behaviour = Behaviour(blobs=lab.size(8000, 160), sizes=(64 * 2**10,), latency_seconds=0.1)
    page = str(max(10, behaviour.blobs // 40))
    options = ["--page-blobs", page, "--window", "32"]
    one, four = (worked(behaviour, Crew(workers=workers, options=options)) for workers in (1, 4))
    killed = worked(behaviour, Crew(workers=4, options=options, kills=2))
    factor = _served(one) / _served(four)
    is_met = one.is_right and four.is_right and killed.is_right
    if not lab.is_small:
        is_met = is_met and factor >= FOUR_TO_ONE
    yield Row(
        goal="15 four engines on one copy, 100 ms (pages dealt out, not through the queue)",
        target=f"≥ {FOUR_TO_ONE} x one; with kills: all equal, none made twice",
        ours=f"{_served(one):.2f} s, {_served(four):.2f} s; {killed.kills} kills: {_told(killed.verdict, 0)}",
        ratio=f"{factor:.2f}",
        is_met=is_met,
    )


def worked(behaviour: Behaviour, crew: Crew) -> Worked:
    """Let a crew copy all of it."""
    with (
        running_stand_in(behaviour) as service,
        tempfile.TemporaryDirectory(prefix="bench-") as place,
        ThreadPoolExecutor(crew.workers) as pool,
    ):
        begun = time.perf_counter()
        under_way = [pool.submit(_one, number, crew, service, Path(place)) for number in range(1, crew.workers + 1)]
        ended = [it.result() for it in under_way]
        seconds = time.perf_counter() - begun
        endings = tuple(ending for ending, _ in ended)
        return Worked(seconds, sum(kills for _, kills in ended), endings, service.verdict(), service.stats())


def _one(number: int, crew: Crew, service: StandIn, folder: Path) -> tuple[Measured, int]:
    """One worker to its end, and how often it was killed on the way."""
    chance, kills = random.Random(_SEED + number), 0
    share = ["--worker", f"{number}/{crew.workers}", "--checkpoint", str(folder / f"checkpoint-{number}")]
    task = Task(source_url=service.source_url, destination_url=service.destination_url("rcwl"))
    start = engine_start(task, *crew.options, *share)
    while True:
        program = Program(start.command, start.environment, folder)
        if kills < crew.kills:
            deadline = time.monotonic() + chance.uniform(0.3, crew.longest_seconds)
            while program.is_running and time.monotonic() < deadline:
                time.sleep(0.01)
            if program.is_running:
                program.kill()
                kills += 1
                program.ended(_TIMEOUT_SECONDS)
                continue
        return program.ended(_TIMEOUT_SECONDS), kills


def _served(made: Worked) -> float:
    """Seconds from the first request to the last: what a process needs to start is the same for one and for four."""
    return made.stats["last_at"] - made.stats["first_at"]


def _told(verdict: Verdict, exit_code: int) -> str:
    return (
        f"{verdict['equal']} of {verdict['blobs']} equal, {verdict['written_twice']} made twice, exit code {exit_code}"
    )
