"""What a transfer of the connector costs above its copy engine, what it tells meanwhile, and what memory it takes.

    ./run bench connector [--only many|large] [--rounds 3] [--scale 1] [--small] [--json]

Two participants on one Azurite. In turn, between the same two accounts: a transfer (from before the POST to COMPLETED)
and `ferry copy` (the whole process). Every round has participants and an Azurite of its own; every result is checked
byte for byte before its time counts. One transfer more is watched by clients that ask both sides for its progress every
200 ms; its time is shown and not judged. Azurite bounds both: it does all its work in one thread, and copies 4 GiB no
faster than it can read and write them; `--scale 0.1` takes a tenth. `--small`: results and progress, no times.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bench.measuring.lab import tell
from bench.measuring.machine import machine_line
from bench.measuring.pair_place import Case, Delivery, PairPlace, pair_place
from bench.measuring.process import Measured
from bench.measuring.table import Row, ratio, spread, tell_rows
from bench.measuring.watched import Watch, backward_steps, eta_errors
from ferry.cli.failure import CommandFailed
from ferry.cli.stack import CONSUMER, PROVIDER

_KIB, _MIB, _GIB = 2**10, 2**20, 2**30
_PART = 8 * _MIB
MOST_RATIO, MOST_ETA_ERROR = 1.25, 0.25
ENGINE = "`ferry copy`"
SMALL: Mapping[str, Case] = {"many": Case(300, 4 * _KIB), "large": Case(1, 64 * _MIB)}


def cases(scale: float) -> Mapping[str, Case]:
    """What is copied; large sizes are whole parts of 8 MiB."""
    return {
        "many": Case(max(10, round(10_000 * scale)), 4 * _KIB),
        "large": Case(1, max(2, round(4 * _GIB * scale / _PART)) * _PART),
    }


@dataclass(slots=True)
class Figures:
    """What came of one case."""

    deliveries: list[Delivery] = field(default_factory=list[Delivery])
    copies: list[Measured] = field(default_factory=list[Measured])
    watched: Delivery | None = None
    watches: Sequence[Watch] = ()
    peaks: dict[str, int] = field(default_factory=dict[str, int])
    faults: list[str] = field(default_factory=list[str])


def measured(case: Case, rounds: int, *, is_small: bool) -> Figures:
    """All rounds of a case, and the transfer that is watched."""
    figures = Figures()
    for turn in range(rounds):
        with pair_place(case) as place:
            for is_connector in (turn % 2 == 0, turn % 2 == 1):
                (_transfer if is_connector else _copy)(place, figures)
            for name in (PROVIDER, CONSUMER):
                figures.peaks[name] = max(figures.peaks.get(name, 0), place.peak_bytes(name))
            if is_small:
                _watch(place, figures)
    if not is_small:
        with pair_place(case) as place:
            _watch(place, figures)
    return figures


def _transfer(place: PairPlace, figures: Figures) -> None:
    delivery, _ = place.transferred()
    tell(f"  connector: {delivery.fault or f'{delivery.seconds:.2f} s'}")
    if delivery.fault:
        figures.faults.append(f"connector: {delivery.fault}")
    else:
        figures.deliveries.append(delivery)


def _copy(place: PairPlace, figures: Figures) -> None:
    copy, fault = place.copied()
    tell(f"  ferry copy: {fault or f'{copy.seconds:.2f} s'}")
    if fault:
        figures.faults.append(f"ferry copy: {fault}")
    else:
        figures.copies.append(copy)


def _watch(place: PairPlace, figures: Figures) -> None:
    figures.watched, figures.watches = place.transferred(watches=True)
    tell(f"  watched: {figures.watched.fault or f'{figures.watched.seconds:.2f} s'}")
    if figures.watched.fault:
        figures.faults.append(f"watched transfer: {figures.watched.fault}")


def rows(case: Case, figures: Figures, *, is_small: bool) -> Iterator[Row]:
    """The rows of a case."""
    what = f"{case.blobs:,} x {_shown(case.size_bytes)}"
    ours = [it.seconds for it in figures.deliveries]
    engine = [it.seconds for it in figures.copies]
    share = ratio(ours, engine)
    yield Row(
        goal=f"{what}: POST to COMPLETED",
        target=f"≤ {MOST_RATIO} x {ENGINE}",
        ours=spread(ours, " s", digits=2),
        others={ENGINE: spread(engine, " s", digits=2)},
        ratio=f"{share:.2f}" if share else "",
        is_met=None if is_small or share is None else share <= MOST_RATIO,
    )
    for name, watch in zip((CONSUMER, PROVIDER), figures.watches, strict=False):
        yield from _told(what, name, watch, figures.watched, is_small=is_small)
    peaks = ", ".join(f"{name} {it / _MIB:.0f} MiB" for name, it in figures.peaks.items())
    peak = max((it.peak_bytes for it in figures.copies), default=0)
    yield Row(goal=f"{what}: peak memory", target="", ours=peaks, others={ENGINE: f"{peak / _MIB:.0f} MiB"})


def _told(what: str, name: str, watch: Watch, delivery: Delivery | None, *, is_small: bool) -> Iterator[Row]:
    steps, answers = backward_steps(watch.seen), len(watch.seen)
    different = len({it[1:5] for it in watch.seen})
    yield Row(
        goal=f"{what}: progress at the {name}",
        target="never less than before",
        ours=f"{steps} steps back in {answers} answers ({different} different), {len(watch.failed)} without answer",
        is_met=steps == 0 and answers > 0,
    )
    if is_small or delivery is None:
        return
    errors = eta_errors(watch.seen, began_at=delivery.began_at, ended_at=delivery.ended_at)
    shown = f"first {errors.first:.0%}, worst {errors.worst:.0%} of {errors.told}" if errors else "no end was told"
    yield Row(
        goal=f"{what}: end told by the {name} after 20 %",
        target=f"off by ≤ {MOST_ETA_ERROR:.0%} of the whole",
        ours=f"{shown}; {delivery.seconds:.2f} s while watched",
        is_met=errors is not None and errors.worst <= MOST_ETA_ERROR,
    )


def _shown(size_bytes: int) -> str:
    for unit, name in ((_GIB, "GiB"), (_MIB, "MiB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.4g} {name}"
    return f"{size_bytes // _KIB} KiB"


def main(arguments: Sequence[str]) -> int:
    """Measure and print; exit code 1 where a result is wrong or a goal is not met."""
    asked = _parsed(arguments)
    chosen = SMALL if asked.small else cases(asked.scale)
    machine, found, faults = machine_line(), list[Row](), list[str]()
    try:
        for name in asked.only or list(chosen):
            tell(f"{name}: {chosen[name].blobs:,} x {_shown(chosen[name].size_bytes)}")
            figures = measured(chosen[name], 1 if asked.small else asked.rounds, is_small=asked.small)
            found.extend(rows(chosen[name], figures, is_small=asked.small))
            faults.extend(figures.faults)
    except CommandFailed as error:
        tell(str(error))
        return 1
    command = f"./run bench connector {' '.join(arguments)}".strip()
    told = f"{machine}; `{command}`, median of {1 if asked.small else asked.rounds}"
    status = tell_rows(found, [ENGINE], told, as_json=asked.json)
    for fault in faults:
        tell(f"wrong: {fault}")
    return 1 if faults else status


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./run bench connector", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=SMALL, action="append", metavar="CASE", help="many or large")
    parser.add_argument("--rounds", type=int, default=3, help="how often each of the two has its turn")
    parser.add_argument("--scale", type=float, default=1.0, help="a share of all numbers and sizes, e.g. 0.1")
    parser.add_argument("--small", action="store_true", help="each once and small: results and progress, no times")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
