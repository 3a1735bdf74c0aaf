"""`python -m tests.tck`: the kit against a participant of its own; exit code 1 unless all of its tests have passed."""

import argparse
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from ferry.cli.failure import CommandFailed
from ferry.cli.management import ManagementError
from ferry.cli.signals import StopRequested, stop_requests
from ferry.cli.watchdog import Watchdog
from tests.tck import kit
from tests.tck.plans import TESTS
from tests.tck.stage import open_stage


def main(arguments: list[str]) -> int:
    """Run the kit once."""
    parser = argparse.ArgumentParser(prog="./run tck", description=__doc__)
    parser.add_argument("--only", default="", help="a regular expression for tests, such as '^(MET|CAT):'")
    parser.add_argument("--self-test", action="store_true", help="the kit against the connector that it brings")
    parser.add_argument("--debug", action="store_true", help="the kit's steps as well")
    parser.add_argument("--keep-logs", action="store_true", help="keep the logs also where all is well")
    given = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="ferry-tck-"))
    exit_code = 1
    try:
        with stop_requests():
            exit_code = 0 if _run(given, folder) else 1
    except (CommandFailed, ManagementError) as error:
        print(error, file=sys.stderr)
    except StopRequested as stop:
        exit_code = stop.exit_code
    if (exit_code == 1 or given.keep_logs) and any(folder.iterdir()):
        print(f"the logs are kept in {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return exit_code


def _run(given: argparse.Namespace, folder: Path) -> bool:
    with ExitStack() as exits:
        watchdog = Watchdog(folder)
        exits.callback(watchdog.close)
        kit.jars()
        properties = kit.SELF_TEST
        if not given.self_test:
            properties = open_stage(exits, folder=folder, watchdog=watchdog).properties()
        return kit.run(
            properties,
            least_passed=1 if given.only else TESTS,
            only=given.only,
            debug=given.debug,
            folder=folder,
            watchdog=watchdog,
        )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
