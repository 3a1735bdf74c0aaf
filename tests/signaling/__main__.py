"""`python -m tests.signaling`: what Data Plane Signaling demands of both roles; exit code 1 unless all of it is met."""

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from ferry.cli.failure import CommandFailed
from ferry.cli.signals import StopRequested, stop_requests
from tests.signaling.control_demands import CONTROL_DEMANDS
from tests.signaling.plane_demands import PLANE_DEMANDS
from tests.signaling.stage import open_control, open_plane


def main(arguments: Sequence[str]) -> int:
    """Play the demands and tell; the logs are kept where something is wrong."""
    parser = argparse.ArgumentParser(prog="./run signaling", description=__doc__)
    parser.add_argument("--only", default="", metavar="REGEX", help="demands whose id fits, such as '^DP_P_'")
    given = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="ferry-signaling-"))
    try:
        with stop_requests():
            passed, failed = _played(re.compile(given.only), folder)
    except CommandFailed as error:
        print(error, file=sys.stderr)
        return 1
    except StopRequested as stopped:
        shutil.rmtree(folder, ignore_errors=True)
        return stopped.exit_code
    print(f"{passed} passed, {failed} failed")
    if failed or not passed:
        print(f"the logs are kept in {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _played(only: re.Pattern[str], folder: Path) -> tuple[int, int]:
    plane = _role(PLANE_DEMANDS, open_plane, only, folder / "plane")
    control = _role(CONTROL_DEMANDS, open_control, only, folder / "control")
    return plane[0] + control[0], plane[1] + control[1]


def _role[S](
    demands: Mapping[str, Callable[[S], None]],
    opened: Callable[[ExitStack, Path], S],
    only: re.Pattern[str],
    folder: Path,
) -> tuple[int, int]:
    """The demands on one role, in a stage of its own."""
    wanted = {name: demand for name, demand in demands.items() if only.search(name)}
    if not wanted:
        return 0, 0
    folder.mkdir()
    with ExitStack() as exits:
        return _told(wanted, opened(exits, folder))


def _told[S](demands: Mapping[str, Callable[[S], None]], stage: S) -> tuple[int, int]:
    """Play them one after another, a line for each; how many were met, and how many were not."""
    failed = 0
    for name, demand in demands.items():
        try:
            demand(stage)
        except AssertionError as error:
            failed += 1
            print(f"{name} FAILED: {error}", flush=True)
            continue
        print(f"{name} passed", flush=True)
    return len(demands) - failed, failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
