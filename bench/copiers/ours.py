"""Ferry as it is started here: `ferry copy SOURCE DESTINATION`, the command that everybody has.

What the command has no option for is asked of its engine by a small program (`engine_run`).
"""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from bench.copiers.copier import FERRY, Copier, Start, Task

_COMMAND = Path(sys.executable).with_name("ferry")
_ENGINE = [sys.executable, "-m", "bench.copiers.engine_run"]


def ours() -> Copier:
    """The command of the environment that runs the bench; its engine alone where there is no such command."""
    has_command = subprocess.run([str(_COMMAND), "copy", "--help"], capture_output=True, check=False).returncode == 0

    def start(task: Task, folder: Path) -> Start:
        del folder
        if task.streams or not has_command:
            return engine_start(task)
        return Start([str(_COMMAND), "copy", task.source_url, task.destination_url], dict(task.trust))

    return Copier(FERRY, f"{version('ferry')} ({'ferry copy' if has_command else 'its engine'})", start)


def engine_start(task: Task, *options: str) -> Start:
    """The engine by itself."""
    streams = ["--stream"] if task.streams else []
    return Start([*_ENGINE, task.source_url, task.destination_url, *streams, *options], dict(task.trust))


def engine(*options: str) -> Copier:
    """The engine by itself, as a copier."""
    return Copier(FERRY, version("ferry"), lambda task, _: engine_start(task, *options))
