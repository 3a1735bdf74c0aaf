"""Ends what a killed `ferry up` leaves behind: run as a process of its own, which outlives the one that started it.

It reads lines from its standard input: `+PID` and `-PID` for process groups that live and that have ended, `done` for a
clean end. When the input ends without `done` it kills the groups and removes the folder that it was given. It imports
nothing of the project, so that it starts in a few milliseconds: `python -I -S orphan_watch.py [FOLDER]`.
"""

import os
import shutil
import signal
import sys
from collections.abc import Iterable


def watch(lines: Iterable[str], folder: str | None) -> None:
    """Read until the input ends, then clean up unless told that there is nothing to clean up."""
    groups: set[int] = set()
    for line in lines:
        if line.strip() == "done":
            return
        kind, pid = line[:1], int(line[1:])
        if kind == "+":
            groups.add(pid)
        else:
            groups.discard(pid)
    for group in groups:
        kill_group(group)
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def kill_group(group: int) -> None:
    """Kill a process group at once; one that has ended is fine."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


if __name__ == "__main__":
    # A Ctrl-C is for the process that is watched.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    watch(sys.stdin, sys.argv[1] if len(sys.argv) > 1 else None)
