"""`python -m ferry.devhost --app DIR --port N`: run a Functions app on this machine."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ferry.devhost.cors import ORIGINS_SETTING
from ferry.devhost.host import THREAD_COUNT_SETTING, HostOptions, run_host
from ferry.devhost.keys import KEYS_FILE_SETTING
from ferry.devhost.logs import LEVEL_SETTING
from ferry.devhost.settings import HOST_ID_SETTING, VISIBILITY_SETTING

_SETTINGS = f"""settings, in the environment or in local.settings.json:
  {HOST_ID_SETTING}
      id under which locks and internal queues are kept; default: machine and path
  {ORIGINS_SETTING}
      a JSON array of the origins whose pages may ask the functions; default: none
  {KEYS_FILE_SETTING}
      JSON file of keys for --auth, written when it is missing; default: in the user's cache
  {THREAD_COUNT_SETTING}
      threads for synchronous functions; default 32
  {LEVEL_SETTING}
      level of the host's own log lines; default INFO, DEBUG shows each invocation
  {VISIBILITY_SETTING}
      for tests only: how long a message is invisible while its function runs; default 600, as in Azure
  AzureFunctionsJobHost__<path in host.json, joined by __>
      overrides a value of host.json"""


def parse_options(arguments: list[str]) -> HostOptions:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m ferry.devhost",
        description="Run an Azure Functions app locally.",
        epilog=_SETTINGS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--app", type=Path, default=Path(), help="directory of function_app.py and host.json")
    parser.add_argument("--port", type=int, default=7071, help="HTTP port; 0 takes a free one")
    parser.add_argument("--address", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--auth", action="store_true", help="check function, host, system and master keys")
    parser.add_argument("--settings", type=Path, help="settings file instead of local.settings.json of the app")
    parser.add_argument("--ready-file", type=Path, help="file to write with port and pid when everything runs")
    parser.add_argument("--grace", type=float, default=10.0, help="seconds that running work has after a signal")
    parser.add_argument("--fail-fast", action="store_true", help="leave with code 1 when the app cannot be loaded")
    given = parser.parse_args(arguments)
    return HostOptions(
        app_directory=given.app,
        port=given.port,
        address=given.address,
        auth=given.auth,
        fail_fast=given.fail_fast,
        settings_file=given.settings,
        ready_file=given.ready_file,
        grace_seconds=given.grace,
    )


if __name__ == "__main__":
    sys.exit(run_host(parse_options(sys.argv[1:])))
