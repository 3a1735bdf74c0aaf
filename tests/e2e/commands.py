"""Runs the command line as a user does, in a process of its own, and finds what such a process has left behind."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

_STOP_SECONDS = 25.0


def ferry_command(*arguments: str) -> list[str]:
    """The command line."""
    return [sys.executable, "-m", "ferry.cli.main", *arguments]


@contextmanager
def started(*arguments: str, run_folder: Path) -> Generator[subprocess.Popen[str]]:
    """A running command whose temporary files, and those of all its children, go to `run_folder`."""
    with subprocess.Popen(
        ferry_command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=_environment(run_folder),
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait(_STOP_SECONDS)


def finished_json(process: subprocess.Popen[str]) -> Mapping[str, Any]:
    """The one object that a command prints before it ends, which it must do with exit code 0."""
    output, errors = process.communicate(timeout=55)
    assert process.returncode == 0, f"{errors}\n{output}"
    return cast("Mapping[str, Any]", json.loads(output))


def first_json(process: subprocess.Popen[str]) -> Mapping[str, Any]:
    """The object on the first line of a command that goes on."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    return cast("Mapping[str, Any]", json.loads(line))


def processes_of(run_folder: Path) -> list[str]:
    """The processes that were started with this folder for temporary files, but for ended ones."""
    marker = f"TMPDIR={run_folder}".encode()
    found: list[str] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                variables = (entry / "environ").read_bytes().split(b"\0")
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except (FileNotFoundError, PermissionError, ProcessLookupError):
                continue
            if marker in variables:
                found.append(f"{entry.name} {command}")
    return found


def left_behind(run_folder: Path, *, within_seconds: float = 0.0) -> list[str]:
    """What a command has left behind, processes and files, once nothing is, or when the time is over."""
    deadline = time.monotonic() + within_seconds
    while True:
        found = processes_of(run_folder) + sorted(str(path) for path in run_folder.iterdir())
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def _environment(run_folder: Path) -> dict[str, str]:
    return {**os.environ, "TMPDIR": str(run_folder)}
