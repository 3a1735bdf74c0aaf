"""What becomes of a copy when things go wrong: sources that change, processes that die, services that fail.

    ./run bench faults [--only GOAL] [--scale 1] [--small] [--json]

All of it on a stand-in of the service (bench/standin), which knows byte for byte what should be there and counts what
was written how often. AzCopy and rclone stand beside where they can do it at all. `--small`: the same in little.
"""

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from bench.copiers.all import chosen_copiers
from bench.goals.chaos import faults_and_kills, several_engines
from bench.goals.fallback import fallback
from bench.goals.memory import peak_memory
from bench.goals.resumed import resumed_copies
from bench.goals.torn import torn_blobs
from bench.measuring.lab import Lab, tell
from bench.measuring.machine import machine_line
from bench.measuring.table import Row, tell_rows
from ferry.cli.failure import CommandFailed

GOALS: Mapping[str, Callable[[Lab], Iterator[Row]]] = {
    "9": peak_memory,
    "10": torn_blobs,
    "11": resumed_copies,
    "12": fallback,
    "15": several_engines,
    "16": faults_and_kills,
}


def main(arguments: Sequence[str]) -> int:
    """Let things go wrong, and print; exit code 1 where a goal is not met."""
    asked = _parsed(arguments)
    machine = machine_line()
    try:
        copiers = {it.name: it for it in chosen_copiers(has_peers=not asked.without_peers)}
    except CommandFailed as error:
        tell(str(error))
        return 1
    lab = Lab(copiers=copiers, rounds=1, is_small=asked.small, scale=asked.scale)
    rows: list[Row] = []
    for name in asked.only or GOALS:
        for row in GOALS[name](lab):
            tell(f"{row.goal}: {row.ours}")
            rows.append(row)
    command = f"./run bench faults {' '.join(arguments)}".strip()
    versions = ", ".join(f"{it.name} {it.version}" for it in copiers.values())
    return tell_rows(rows, list(copiers)[1:], f"{versions}; {machine}; `{command}`", as_json=asked.json)


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./run bench faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=GOALS, action="append", metavar="GOAL", help="this goal; may be repeated")
    parser.add_argument("--scale", type=float, default=1.0, help="a share of all numbers and sizes, e.g. 0.1")
    parser.add_argument("--small", action="store_true", help="all of it in little: results and counts, no times")
    parser.add_argument("--without-peers", action="store_true", help="Ferry alone, nothing to compare with")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
