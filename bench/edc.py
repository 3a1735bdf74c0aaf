"""EDC and Ferry, each with its like: how long a transfer takes from the POST until the consumer says COMPLETED.

    ./run bench edc [--only CASE] [--runs 10] [--big-runs 3] [--small] [--json]

EDC as it is shipped (it looks every second) and tuned (every 50 ms), and Ferry, take turns. Every pair has storage of
its own kind: one Azurite for both pairs of EDC, one for Ferry's. What arrived is compared with what was offered before
a time counts. Needs a JDK and Maven (`./run interop` brings them once where it may).
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.measuring.edc_pairs import Pair, opened_pairs
from bench.measuring.lab import tell
from bench.measuring.machine import machine_line
from bench.measuring.table import Row, markdown, ratio, spread
from ferry.cli.failure import CommandFailed
from tests.interop.connector import VERSION
from tests.interop.lane import TRANSFERS, Goods, Unexpected, told

FERRY, SHIPPED, TUNED = "Ferry", "EDC shipped", "EDC tuned"
_POLL_SECONDS = 0.02
_PATIENCE_SECONDS = 180.0
_FAILED = frozenset({"TERMINATED", "DEPROVISIONED"})
_KIB, _MIB = 2**10, 2**20


@dataclass(frozen=True, slots=True)
class Case:
    """What is transferred: so many blobs of a size. `is_big`: run less often."""

    blobs: int
    size_bytes: int
    is_big: bool = False

    @property
    def name(self) -> str:
        """For people and for `--only`."""
        size = f"{self.size_bytes // _MIB}MiB" if self.size_bytes >= _MIB else f"{self.size_bytes // _KIB}KiB"
        return size if self.blobs == 1 else f"{self.blobs}x{size}"


CASES = (Case(1, _KIB), Case(1, 64 * _MIB, True), Case(1, 256 * _MIB, True), Case(1000, 4 * _KIB, True))
SMALL_CASES = (Case(1, _KIB), Case(1, 16 * _MIB), Case(20, 4 * _KIB))


@dataclass(slots=True)
class Figures:
    """Seconds of each case by pair, and how often a transfer had to be asked for again because it was lost."""

    seconds: dict[str, dict[str, list[float]]] = field(default_factory=dict[str, dict[str, list[float]]])
    lost: dict[str, int] = field(default_factory=dict[str, int])
    peak_bytes: dict[str, int] = field(default_factory=dict[str, int])


def measured(pairs: Mapping[str, Pair], cases: Sequence[Case], runs: Mapping[str, int]) -> Figures:
    """Every pair in turn. Raises Unexpected where a result is wrong."""
    figures = Figures(lost=dict.fromkeys(pairs, 0))
    goods = {
        (name, it.name): pair.offered(it.name, it.blobs, it.size_bytes) for it in cases for name, pair in pairs.items()
    }
    for case in cases:
        figures.seconds[case.name] = {name: [] for name in pairs}
        # One round first that does not count: classes are loaded, connections made, agreements negotiated.
        for turn in range(runs[case.name] + 1):
            for name, pair in pairs.items():
                seconds = _transfer(pair, goods[name, case.name], f"{case.name.lower()}-{turn}", figures.lost, name)
                if turn:
                    figures.seconds[case.name][name].append(seconds)
        so_far = [f"{name} {spread(seconds, ' s', digits=2)}" for name, seconds in figures.seconds[case.name].items()]
        tell(f"{case.name}: {', '.join(so_far)}")
    figures.peak_bytes = {name: pair.provider_peak_bytes() for name, pair in pairs.items()}
    return figures


def _transfer(pair: Pair, goods: Goods, container: str, lost: dict[str, int], name: str) -> float:
    """Seconds from before the POST to the first poll that says COMPLETED."""
    lane = pair.lane
    lane.agreement(goods.asset_id)
    order = lane.order(goods, container)
    while (state := lane.state(lane.consumer, TRANSFERS, order.id)) != "COMPLETED":
        if state in _FAILED or time.monotonic() - order.at > _PATIENCE_SECONDS:
            # EDC loses one now and then by a race of its own; that is counted, and no time of its.
            lost[name] += 1
            tell(f"{name} lost {container}: {state} {told(lane.show(lane.consumer, TRANSFERS, order.id))}")
            if lost[name] > 3:
                raise Unexpected(f"{name} does not get {container} through")
            return _transfer(pair, goods, f"{container}-again", lost, name)
        time.sleep(_POLL_SECONDS)
    seconds = time.monotonic() - order.at
    if lane.delivered(order.container) != goods.digests:
        raise Unexpected(f"what {name} delivered into {order.container} is not what was offered")
    pair.remove(order.container)
    return seconds


def rows_of(figures: Figures) -> list[Row]:
    """A row for each case, one for memory."""
    rows: list[Row] = []
    for case, seconds in figures.seconds.items():
        factors = [ratio(seconds[it], seconds[FERRY]) for it in (SHIPPED, TUNED)]
        rows.append(
            Row(
                goal=f"{case}, POST to COMPLETED",
                target="",
                ours=spread(seconds[FERRY], " s", digits=3),
                others={it: spread(seconds[it], " s", digits=3) for it in (SHIPPED, TUNED)},
                ratio=", ".join(f"{it:.1f}" if it else "-" for it in factors),
            )
        )
    peaks = {name: f"{peak / _MIB:.0f} MiB" for name, peak in figures.peak_bytes.items()}
    lost = {name: f"{count}" for name, count in figures.lost.items()}
    rows.append(Row(goal="peak memory of the provider", target="", ours=peaks.pop(FERRY), others=peaks))
    rows.append(Row(goal="transfers lost and asked for again", target="0", ours=lost.pop(FERRY), others=lost))
    return rows


def main(arguments: Sequence[str]) -> int:
    """Measure and print."""
    asked = _parsed(arguments)
    machine = machine_line()
    cases = [it for it in (SMALL_CASES if asked.small else CASES) if not asked.only or it.name in asked.only]
    runs = {it.name: 1 if asked.small else asked.big_runs if it.is_big else asked.runs for it in cases}
    try:
        if not (shutil.which("java") and shutil.which("mvn")):
            raise CommandFailed("there is no JDK or no Maven", next_step="./run interop --only catalog brings both")
        with TemporaryDirectory(prefix="bench-edc-") as folder, opened_pairs(Path(folder)) as pairs:
            figures = measured(pairs, cases, runs)
    except (CommandFailed, Unexpected) as error:
        tell(str(error))
        return 1
    if asked.json:
        print(json.dumps({"seconds": figures.seconds, "lost": figures.lost, "peak_bytes": figures.peak_bytes}))
    else:
        print(markdown(rows_of(figures), [SHIPPED, TUNED]))
        command = f"./run bench edc {' '.join(arguments)}".strip()
        print(f"\nEDC {VERSION}, -Xmx512m; {machine}; `{command}`; ratio: EDC to Ferry")
    return 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./run bench edc", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [it.name for it in (*CASES, *SMALL_CASES)]
    parser.add_argument("--only", choices=names, action="append", metavar="CASE", help=", ".join(names))
    parser.add_argument("--runs", type=int, default=10, help="of the smallest case")
    parser.add_argument("--big-runs", type=int, default=3, help="of the others")
    parser.add_argument("--small", action="store_true", help="small cases, once each")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
