"""Keeps the watch over a run's processes and folder: even SIGKILL to the command leaves neither (see orphan_watch)."""

import subprocess
import sys
from pathlib import Path
from typing import IO, cast

from ferry.cli import orphan_watch


class Watchdog:
    """A small process that lives as long as this one, or just long enough to clean up after it."""

    def __init__(self, folder: Path | None) -> None:
        """`folder` is removed if this process is killed; None: it is to be kept."""
        command = [sys.executable, "-I", "-S", orphan_watch.__file__, *([str(folder)] if folder else [])]
        self._process = subprocess.Popen(  # noqa: S603 - our own script under our own interpreter
            command, stdin=subprocess.PIPE, text=True, start_new_session=True
        )

    def add(self, process_group: int) -> None:
        """Kill this process group when we are gone."""
        self._say(f"+{process_group}")

    def remove(self, process_group: int) -> None:
        """It has ended."""
        self._say(f"-{process_group}")

    def close(self) -> None:
        """There is nothing to clean up any more."""
        self._say("done")
        self._stdin.close()
        self._process.wait()

    @property
    def _stdin(self) -> IO[str]:
        return cast("IO[str]", self._process.stdin)

    def _say(self, line: str) -> None:
        self._stdin.write(f"{line}\n")
        self._stdin.flush()
