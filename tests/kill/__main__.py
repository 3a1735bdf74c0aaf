"""`python -m tests.kill`: one or more runs with figures; exit code 1 where a transfer was lost, doubled or late."""

import argparse
import sys

from tests.kill.report import LATEST_SECONDS, KillOptions
from tests.kill.run import run_kills


def main(arguments: list[str]) -> int:
    """Run once for each seed."""
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="for how long processes are killed")
    parser.add_argument("--transfers", type=int, default=50, help="how many at once")
    parser.add_argument("--seed", type=int, nargs="+", default=[1], help="chances; one run for each")
    parser.add_argument("--keep-logs", action="store_true", help="keep the logs also where all is well")
    given = parser.parse_args(arguments)
    is_good = True
    for seed in given.seed:
        options = KillOptions(
            transfers=given.transfers, kill_seconds=given.seconds, seed=seed, keep_logs=given.keep_logs
        )
        report = run_kills(options, said=_say)
        for line in report.lines():
            _say(line)
        is_good = is_good and not report.faults and report.last_completed_seconds <= LATEST_SECONDS
    return 0 if is_good else 1


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
