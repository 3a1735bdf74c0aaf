"""How fast and how cheaply blobs are copied, beside AzCopy and rclone in the same run.

    ./run bench copy [--only GOAL] [--rounds 3] [--scale 1] [--small] [--json]

Goals 1 to 5 run against a stand-in of the service (bench/standin), which costs so little that clients are what is
measured; 6 to 8 against Azurite, which bounds everybody. Copiers take turns, medians count, CPU is wait4's, and every
result is checked byte for byte before its time counts. Walls are those of whole processes; row 0 says how much of one
is its start and end. Stand-in and copiers share the machine: figures of less than two free cores mean nothing.
`--small` looks at results and counts alone.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from bench.copiers.all import chosen_copiers
from bench.goals.costs import cost_rows
from bench.goals.large_blobs import large_blobs
from bench.goals.limited import under_limits
from bench.goals.on_azurite import large_on_azurite, small_on_azurite, streamed_on_azurite
from bench.goals.overhead import start_and_end
from bench.goals.small_blobs import small_blobs, small_blobs_over_tls
from bench.measuring.lab import Lab, tell
from bench.measuring.machine import machine_line
from bench.measuring.table import Row, tell_rows
from ferry.cli.failure import CommandFailed

type Measure = Callable[[Lab], Iterator[Row]]

GOALS: Mapping[str, tuple[Measure, ...]] = {
    "0": (start_and_end,),
    "1": (small_blobs,),
    "2": (small_blobs, small_blobs_over_tls),
    "3": (small_blobs_over_tls,),
    "4": (under_limits,),
    "5": (large_blobs,),
    "6": (small_on_azurite,),
    "7": (large_on_azurite,),
    "8": (streamed_on_azurite,),
    "13": (cost_rows,),
}


def main(arguments: Sequence[str]) -> int:
    """Measure and print; exit code 1 where a result is wrong or a goal is not met."""
    asked = _parsed(arguments)
    machine = machine_line()
    try:
        copiers = {it.name: it for it in chosen_copiers(has_peers=not asked.without_peers)}
        lab = Lab(copiers=copiers, rounds=1 if asked.small else asked.rounds, is_small=asked.small, scale=asked.scale)
        rows = list(_measured(lab, asked.only or list(GOALS)))
    except CommandFailed as error:
        tell(str(error))
        return 1
    command = f"./run bench copy {' '.join(arguments)}".strip()
    versions = ", ".join(f"{it.name} {it.version}" for it in copiers.values())
    told = f"{versions}; {machine}; `{command}`, median of {lab.rounds}"
    status = tell_rows(rows, list(copiers)[1:], told, as_json=asked.json)
    for note in lab.notes:
        tell(note)
    for fault in lab.faults:
        tell(f"wrong: {fault}")
    return 1 if lab.faults else status


def _measured(lab: Lab, names: Sequence[str]) -> Iterator[Row]:
    chosen: list[Measure] = []
    for name in names:
        chosen += [it for it in GOALS[name] if it not in chosen]
    for measure in chosen:
        tell(f"{measure.__name__.replace('_', ' ')}")
        yield from measure(lab)


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./run bench copy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=GOALS, action="append", metavar="GOAL", help="this goal; may be repeated")
    parser.add_argument("--rounds", type=int, default=3, help="how often each copier has its turn")
    parser.add_argument("--scale", type=float, default=1.0, help="a share of all numbers and sizes, e.g. 0.1")
    parser.add_argument("--small", action="store_true", help="each once and small: results and counts, no times")
    parser.add_argument("--without-peers", action="store_true", help="Ferry alone, nothing to compare with")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
