"""`ferry host`: one participant under the built-in host, with the settings of a file."""

from pathlib import Path

from ferry.cli.hosts import GRACE_SECONDS, PROJECT_ROOT
from ferry.cli.settings_file import read_settings_file
from ferry.devhost.host import HostOptions, run_host

_DEFAULT_PORT = 7071


def run_one(settings: Path, *, port: int | None, address: str, auth: bool) -> int:
    """Serve until a signal comes; the exit code of the host. Raises CommandFailed."""
    file = read_settings_file(settings)
    file.apply()
    wanted = port if port is not None else file.port
    options = HostOptions(
        app_directory=PROJECT_ROOT,
        port=_DEFAULT_PORT if wanted is None else wanted,
        address=address,
        auth=auth,
        fail_fast=True,
        settings_file=settings,
        grace_seconds=GRACE_SECONDS,
    )
    return run_host(options)
