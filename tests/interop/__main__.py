"""`python -m tests.interop`: play the scenarios in both directions; exit code 1 where one is not green."""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ferry.cli.failure import CommandFailed
from ferry.cli.management import ManagementError
from ferry.cli.signals import StopRequested, stop_requests
from tests.interop.connector import VERSION
from tests.interop.foreign import opened_foreign_lane
from tests.interop.lane import Lane, Unexpected, both_ways
from tests.interop.report import Result, is_green, table, to_json
from tests.interop.scenarios import SCENARIOS, Supplies, supplies
from tests.interop.stage import EDC, FERRY, opened_stage

type Lanes = Sequence[tuple[Lane, Supplies]]


def main(arguments: Sequence[str]) -> int:
    """Play and tell; the logs are kept where something is wrong."""
    given = _parsed(arguments)
    folder = Path(tempfile.mkdtemp(prefix="ferry-interop-"))
    results: list[Result] = []
    try:
        with stop_requests():
            for opened in (_both_ways, _foreign) if given.lane == "all" else (_LANES[given.lane],):
                with opened(folder, brisk=given.brisk) as lanes:
                    for run in range(1, given.repeat + 1):
                        for name in given.only or SCENARIOS:
                            results += list(_played(name, lanes, run))
    except (CommandFailed, Unexpected) as error:
        _say(str(error))
        return 1
    except StopRequested as stopped:
        shutil.rmtree(folder, ignore_errors=True)
        return stopped.exit_code
    if given.json:
        print(json.dumps(to_json(results)))
    else:
        print(*table(results), sep="\n")
    if is_green(results):
        shutil.rmtree(folder, ignore_errors=True)
        return 0
    _say(f"the logs are kept in {folder}")
    return 1


@contextmanager
def _both_ways(folder: Path, *, brisk: bool) -> Generator[Lanes]:
    """Ferry and EDC, each as provider and as consumer."""
    with opened_stage(folder, brisk=brisk) as stage:
        yield [(lane, supplies(lane)) for lane in both_ways(stage, (EDC, FERRY))]


@contextmanager
def _foreign(folder: Path, *, brisk: bool) -> Generator[Lanes]:
    """EDC on both sides, and Ferry as the provider's data plane."""
    with opened_foreign_lane(folder, brisk=brisk) as lane:
        yield [(lane, supplies(lane))]


_LANES = {"both-ways": _both_ways, "data-plane": _foreign}


def _played(name: str, lanes: Sequence[tuple[Lane, Supplies]], run: int) -> Iterator[Result]:
    for lane, goods in lanes:
        result = _result(name, lane, goods, run)
        _say(f"run {run}: {name}, {lane.name}: {result.fault or 'green'}")
        yield result


def _result(name: str, lane: Lane, goods: Supplies, run: int) -> Result:
    try:
        outcome = SCENARIOS[name](lane, goods, run)
    except (Unexpected, ManagementError) as error:
        return Result(scenario=name, direction=lane.name, run=run, fault=str(error))
    return Result(scenario=name, direction=lane.name, run=run, outcome=outcome)


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run interop", description=f"Ferry and EDC {VERSION}, both ways.")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="play every scenario N times")
    parser.add_argument("--only", choices=SCENARIOS, action="append", help="this scenario alone; may be repeated")
    parser.add_argument(
        "--lane",
        choices=("all", *_LANES),
        default="all",
        help="both-ways: Ferry and EDC; data-plane: EDC and EDC, with Ferry as the provider's data plane",
    )
    parser.add_argument(
        "--brisk",
        action="store_true",
        help="EDC looks every 50 ms, not once in a second; it then loses completions of its own now and then",
    )
    parser.add_argument("--json", action="store_true", help="the whole result as JSON on standard output")
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
