"""Runs the emulators as a process of their own: one JSON line when ready, end on SIGTERM, SIGINT or end of stdin."""

import argparse
import os
import signal
import stat
import sys
import threading
from pathlib import Path
from types import FrameType

from ferry.emulators.resources import StackDescription
from ferry.emulators.stack import Emulators, StackOptions

_READ_BYTES = 4096
_WATCH_SECONDS = 1.0


def main() -> int:
    """Parse arguments, run until told to stop, return the exit code."""
    arguments = _arguments()
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    _stop_with_parent(stopping)
    options = StackOptions(
        https=arguments.https, oauth=arguments.oauth, location=arguments.location, relay=arguments.relay
    )
    with Emulators.start(arguments.participants.split(","), options) as emulators:
        if not stopping.is_set():
            description = emulators.description
            print(description.to_json() if arguments.json else _summary(description), flush=True)
        while not stopping.wait(_WATCH_SECONDS):
            if not emulators.azurite.is_running:
                print(
                    f"Azurite ended by itself; start the emulators again. {emulators.azurite.output}", file=sys.stderr
                )
                return 1
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ferry.emulators", description=__doc__)
    parser.add_argument("--participants", default="consumer,provider", help="names, separated by commas")
    parser.add_argument("--json", action="store_true", help="print one JSON line with all endpoints and keys")
    parser.add_argument("--https", action="store_true", help="serve Azurite over TLS")
    parser.add_argument("--oauth", action="store_true", help="let Azurite accept bearer tokens; needs --https")
    parser.add_argument("--location", type=Path, help="keep Azurite's data in this folder instead of in memory")
    parser.add_argument("--relay", action="store_true", help="put a relay before Azurite that can make faults")
    return parser.parse_args()


def _stop_with_parent(stopping: threading.Event) -> None:
    """Set the event when the pipe that a parent process holds on our stdin is closed."""
    descriptor = sys.stdin.fileno()
    mode = os.fstat(descriptor).st_mode
    # A terminal or /dev/null says nothing about a parent.
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):

        def wait_for_end() -> None:
            # Not through sys.stdin, whose lock this daemon thread would hold when the interpreter shuts down.
            while os.read(descriptor, _READ_BYTES):
                pass
            stopping.set()

        threading.Thread(target=wait_for_end, name="parent-watch", daemon=True).start()


def _summary(description: StackDescription) -> str:
    lines: list[str] = []
    for resources in description.participants.values():
        lines.append(f"{resources.name}: {resources.data_storage.blob_endpoint}, vault {resources.vault_url}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
