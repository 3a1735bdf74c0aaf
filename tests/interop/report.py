"""What a run found: every scenario in every direction, as a table and as JSON."""

import statistics
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

from ferry.cli.management import JsonObject
from tests.interop.scenarios import Outcome

_HEAD = (
    "scenario",
    "direction",
    "green",
    "provider said",
    "consumer said",
    "SHA-256 source",
    "destination",
    "forgotten",
    "seconds",
)
_DIGEST_CHARACTERS = 12
_SAID_CHARACTERS = 42


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One scenario in one direction, once; it is green where there is no fault."""

    scenario: str
    direction: str
    run: int
    outcome: Outcome = field(default_factory=lambda: Outcome(provider_said="", consumer_said=""))
    fault: str = ""


def is_green(results: Sequence[Result]) -> bool:
    """Whether something was played and all of it is as it must be."""
    return bool(results) and not any(result.fault for result in results)


def table(results: Sequence[Result]) -> Iterator[str]:
    """Lines: the runs of a scenario in a direction are one row, with shortest, median and longest time.

    `forgotten`: transfers that EDC as provider never ended, and that the consumer had to ask for again.
    """
    runs: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        runs.setdefault((result.scenario, result.direction), []).append(result)
    rows = [_HEAD, *(_row(group) for group in runs.values())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    for result in results:
        if result.fault:
            yield f"{result.scenario}, {result.direction}, run {result.run}: {result.fault}"


def to_json(results: Sequence[Result]) -> JsonObject:
    """All of it."""
    return {"green": is_green(results), "results": [asdict(result) for result in results]}


def _row(runs: Sequence[Result]) -> tuple[str, ...]:
    green = [result for result in runs if not result.fault]
    last = (green or runs)[-1].outcome
    return (
        runs[0].scenario,
        runs[0].direction,
        f"{len(green)}/{len(runs)}",
        textwrap.shorten(last.provider_said, _SAID_CHARACTERS, placeholder="…"),
        textwrap.shorten(last.consumer_said, _SAID_CHARACTERS, placeholder="…"),
        last.source[:_DIGEST_CHARACTERS],
        last.destination[:_DIGEST_CHARACTERS],
        str(sum(result.outcome.forgotten for result in runs) or ""),
        _times([seconds for result in green for seconds in result.outcome.seconds]),
    )


def _times(seconds: Sequence[float]) -> str:
    if not seconds:
        return ""
    return f"{min(seconds):.2f} / {statistics.median(seconds):.2f} / {max(seconds):.2f}"
