"""What every command runs in: failures become exit codes and sentences, a participant becomes a client."""

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from ferry.cli.failure import CommandFailed
from ferry.cli.output import Output, write_lines
from ferry.cli.signals import StopRequested, stop_requests

if TYPE_CHECKING:
    from ferry.cli.management import ManagementClient
    from ferry.cli.profiles import Profile


@contextmanager
def ended_well(output: Output | None = None, *, stopped_code: int | None = None) -> Generator[None]:
    """Inside, failures are told on standard error and end with their code, signals with `stopped_code` or the shell's.

    With `--output json` the failure is one JSON object.
    """
    try:
        with stop_requests():
            yield
    except CommandFailed as failure:
        tell(failure, output)
        raise typer.Exit(failure.exit_code) from None
    except StopRequested as stop:
        raise typer.Exit(stop.exit_code if stopped_code is None else stopped_code) from None


@contextmanager
def participant(profile_name: str | None) -> "Generator[tuple[ManagementClient, Profile]]":
    """The participant of a profile, whose refusals are told in words. Raises CommandFailed."""
    from ferry.cli.api_errors import failure_of
    from ferry.cli.management import ManagementError
    from ferry.cli.profiles import find_profile

    profile = find_profile(profile_name)
    with new_client(profile) as client:
        try:
            yield client, profile
        except ManagementError as error:
            raise failure_of(error, profile) from error


def new_client(profile: "Profile") -> "ManagementClient":
    """A client that shows the profile's key; close it after use."""
    from ferry.cli.management import ManagementClient

    headers = {name: value.reveal() for name, value in profile.headers.items()}
    return ManagementClient(profile.management_url, headers=headers)


def tell(failure: CommandFailed, output: Output | None = None) -> None:
    """Say it on standard error."""
    if output is not None and output.is_json:
        told = {"error": {**failure.to_json(), "faults": failure.faults, "exitCode": int(failure.exit_code)}}
        print(json.dumps(told, ensure_ascii=False), file=sys.stderr, flush=True)
        return
    write_lines(sys.stderr, f"ferry: {failure}".splitlines(), style="red")
