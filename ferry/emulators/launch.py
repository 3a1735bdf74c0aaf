"""Starts the emulators as a child process, so that they never share an interpreter with what is tested or measured."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self, cast

from ferry.emulators.admin_client import AdminClient
from ferry.emulators.resources import ParticipantResources, StackDescription

_STOP_TIMEOUT_SECONDS = 10.0


class EmulatorsStartError(RuntimeError):
    """The child process ended before it was ready; its stderr, which is ours, says why."""


@dataclass(frozen=True, slots=True)
class LaunchedEmulators:
    """A stack in a child process; use it as a context manager or call `close`."""

    description: StackDescription
    admin: AdminClient
    process: subprocess.Popen[str] = field(repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def participants(self) -> Mapping[str, ParticipantResources]:
        """The participants' resources by name."""
        return self.description.participants

    def close(self) -> None:
        """End the process, and with it Azurite; a second call does nothing."""
        stdin, stdout = cast("IO[str]", self.process.stdin), cast("IO[str]", self.process.stdout)
        stdin.close()
        try:
            self.process.wait(_STOP_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        stdout.close()


def launch_emulators(
    participants: Sequence[str] = ("consumer", "provider"),
    *,
    https: bool = False,
    oauth: bool = False,
    location: Path | None = None,
    relay: bool = False,
) -> LaunchedEmulators:
    """Start a stack and return when it can be used. Raises EmulatorsStartError."""
    command = [sys.executable, "-m", "ferry.emulators", "--json", "--participants", ",".join(participants)]
    command += ["--https"] if https else []
    command += ["--oauth"] if oauth else []
    command += ["--relay"] if relay else []
    command += ["--location", str(location)] if location is not None else []
    process = subprocess.Popen(  # noqa: S603 - our own module under our own interpreter
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
        start_new_session=True,
    )
    try:
        line = cast("IO[str]", process.stdout).readline()
    except BaseException:
        # Interrupted while it starts: the end of its stdin ends it, also half-way.
        process.communicate()
        raise
    if not line:
        with process:
            exit_code = process.wait()
        raise EmulatorsStartError(
            f"The emulators ended with exit code {exit_code} before they were ready; their error output says why"
        )
    description = StackDescription.from_json(line)
    return LaunchedEmulators(description, AdminClient(description.admin_url, description.admin_key), process)
