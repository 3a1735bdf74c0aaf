"""The two hosts that can run the Functions app here: our own, and Microsoft's Core Tools (design: local run)."""

import shutil
import sys
from pathlib import Path

from ferry.cli.failure import CommandFailed
from ferry.cli.host_kind import HostKind
from ferry.devhost.host import HostOptions

PROJECT_ROOT = Path(__file__).parents[2]
GRACE_SECONDS = 5.0

__all__ = ["GRACE_SECONDS", "PROJECT_ROOT", "HostKind", "host_command", "host_environment", "require_host"]


def require_host(kind: HostKind) -> None:
    """Raise CommandFailed where this machine does not have the host."""
    if kind is HostKind.FUNC and shutil.which("func") is None:
        raise CommandFailed(
            "There is no `func` on PATH",
            next_step="Install Azure Functions Core Tools 4, or use the built-in host: --host devhost",
        )


def host_command(kind: HostKind, *, port: int, ready_file: Path, settings_file: Path) -> list[str]:
    """The command line that runs the app."""
    if kind is HostKind.DEVHOST:
        options = HostOptions(
            app_directory=PROJECT_ROOT,
            port=port,
            fail_fast=True,
            # An empty one: what is in the developer's own local.settings.json is not for these participants.
            settings_file=settings_file,
            ready_file=ready_file,
            grace_seconds=GRACE_SECONDS,
        )
        return options.command()
    return [shutil.which("func") or "func", "start", "--port", str(port), "--no-build"]


def host_environment(kind: HostKind, inherited_path: str) -> dict[str, str]:
    """What the host itself wants to be told."""
    if kind is HostKind.DEVHOST:
        return {}
    # Core Tools runs the worker with the first Python on PATH.
    return {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "PATH": f"{Path(sys.executable).parent}:{inherited_path}",
        "VIRTUAL_ENV": str(Path(sys.executable).parents[1]),
    }
