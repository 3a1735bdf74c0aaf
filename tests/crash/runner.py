"""Plays a scenario once without a crash, then once for each side of each of its points, and compares the endings."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from tests.crash.ending import Ending, untidy
from tests.crash.hosts import Install
from tests.crash.points import DEATHS, CrashPlan, Point, When
from tests.crash.scenarios import Scenario
from tests.crash.stage import Stage

FAILURES_SHOWN = 5


@dataclass(slots=True)
class Report:
    """What came of one scenario: its points, the runs that were made, and what went wrong in them."""

    scenario: Scenario
    points: list[Point]
    runs: int = 0
    failures: list[str] = field(default_factory=list[str])
    unreached: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class Played:
    """One run: what was noted on the way, or why it came to nothing."""

    plan: CrashPlan
    endings: tuple[Ending, ...]
    error: str = ""


def play(scenario: Scenario, plan: CrashPlan, install: Install | None = None) -> Played:
    """One run of a scenario."""
    stage = Stage(
        plan,
        install,
        blobs=scenario.blobs,
        settings=scenario.settings,
        has_trigger=scenario.has_trigger,
        has_plane=scenario.has_plane,
    )
    plan.is_armed = True
    error = ""
    try:
        scenario.play(stage)
    except Exception as failure:
        error = f"{type(failure).__name__}: {failure}"
    plan.is_armed = False
    return Played(plan, tuple(cast("list[Ending]", stage.snapshots)), error)


def crash_everywhere(
    scenario: Scenario,
    install: Install | None = None,
    *,
    only: Callable[[Point], bool] = lambda point: True,
    again_after: int = 0,
    faults: tuple[When, ...] = DEATHS,
) -> Report:
    """Every point of the scenario, before and after; `again_after`: a second death so many effects after the first.

    Stops at some failures: more of them say no more.
    """
    usual = play(scenario, CrashPlan(), install)
    report = Report(scenario, [it for it in usual.plan.seen if it.number <= scenario.repeats])
    report.failures += _faults(scenario, usual)
    for point in filter(only, report.points):
        for when in faults:
            if len(report.failures) >= FAILURES_SHOWN:
                return report
            played = play(scenario, CrashPlan((point, when), again_after), install)
            report.runs += 1
            where = f"{when.value} {point}"
            if not played.plan.crashes:
                report.unreached.append(where)
            untidied = [fault for ending in played.endings for fault in untidy(ending)]
            difference = played.error or _difference(usual.endings, played.endings)
            if difference or untidied:
                report.failures.append(f"{where}: {'; '.join([*untidied, difference])}")
    return report


def _faults(scenario: Scenario, usual: Played) -> list[str]:
    """What is wrong already without a crash."""
    if usual.error or consumer_states(usual.endings) != scenario.expected:
        return [f"without a crash: {usual.error or consumer_states(usual.endings)}"]
    return [f"without a crash: {fault}" for ending in usual.endings for fault in untidy(ending)]


def consumer_states(endings: tuple[Ending, ...]) -> tuple[str, ...]:
    """State and code of the consumer's transfer at each note."""
    found: list[str] = []
    for ending in endings:
        transfers = cast("tuple[tuple[str, str | None], ...]", dict(ending.sides)["consumer"].transfers)
        found.append(" ".join(f"{it[0]} {it[1] or ''}".strip() for it in transfers))
    return tuple(found)


def _difference(usual: tuple[Ending, ...], other: tuple[Ending, ...]) -> str:
    """What is not as it was without a crash; empty where all is."""
    said: list[str] = []
    for number, (before, after) in enumerate(zip(usual, other, strict=True)):
        if before.containers != after.containers:
            more = [str(it) for it in after.containers if it not in before.containers]
            less = [str(it) for it in before.containers if it not in after.containers]
            said.append(f"[{number}] containers {'; '.join(more) or 'missing'}, not {'; '.join(less) or 'there'}")
        if before.live_sas != after.live_sas:
            said.append(f"[{number}] {after.live_sas} live SAS, not {before.live_sas}")
        for (name, one), (_, two) in zip(before.sides, after.sides, strict=True):
            for part in ("transfers", "negotiations", "agreements", "flows", "secrets", "faults"):
                if getattr(one, part) != getattr(two, part):
                    said.append(f"[{number}] {name} {part} {getattr(two, part)}, not {getattr(one, part)}")
    return "; ".join(said)
