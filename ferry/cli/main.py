"""The `ferry` command: reads arguments, runs one command, turns failures and signals into exit codes."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ferry.cli.failure import CommandFailed
from ferry.cli.hosts import HostKind
from ferry.cli.signals import StopRequested, stop_requests

app = typer.Typer(
    name="ferry", help="A serverless dataspace connector, on this machine.", no_args_is_help=True, add_completion=False
)

_AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
_Keyless = Annotated[
    bool, typer.Option("--keyless", help="Managed identities instead of account keys; Azurite over TLS.")
]
_Remote = Annotated[
    bool, typer.Option("--remote-data-plane", help="The provider's data plane as a process of its own.")
]
_Signed = Annotated[bool, typer.Option("--signed", help="Participants prove who they are, by keys that they publish.")]
_Host = Annotated[HostKind, typer.Option(help="What runs the participants: our own host, or Core Tools.")]


@app.command()
def up(
    *,
    as_json: _AsJson = False,
    keyless: _Keyless = False,
    remote_data_plane: _Remote = False,
    signed: _Signed = False,
    host: _Host = HostKind.DEVHOST,
) -> None:
    """Start the emulators, a provider and a consumer; Ctrl-C stops them and leaves nothing behind."""
    # What follows loads Azure's SDKs, which `--help` can do without.
    from ferry.cli.stack import StackOptions
    from ferry.cli.up import run_up

    with _ended_well(stopped_code=0):
        options = StackOptions(keyless=keyless, remote_data_plane=remote_data_plane, signed=signed, host=host)
        run_up(options, as_json=as_json)


@app.command()
def demo(
    *,
    source: Annotated[Path | None, typer.Option(help="A folder of files; default: Python's own library.")] = None,
    unmanaged: Annotated[bool, typer.Option("--unmanaged", help="Into a container that exists and is kept.")] = False,
    as_json: _AsJson = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the logs.")] = False,
    keyless: _Keyless = False,
    remote_data_plane: _Remote = False,
    signed: _Signed = False,
    host: _Host = HostKind.DEVHOST,
) -> None:
    """Move real files from a provider to a consumer, verify every one of them, take everything away again."""
    from ferry.cli.demo import DemoOptions, run_demo
    from ferry.cli.stack import StackOptions

    stack = StackOptions(keyless=keyless, remote_data_plane=remote_data_plane, signed=signed, host=host)
    options = DemoOptions(source=source, unmanaged=unmanaged, keep=keep, stack=stack)
    console = Console(quiet=as_json)
    with _ended_well():
        report = run_demo(options, console)
        if as_json:
            print(json.dumps(report.to_json()), flush=True)
        else:
            report.show(console)
        if report.error is not None:
            raise report.error
        if not report.is_good:
            raise CommandFailed("The demo did not end well", next_step="read the logs", log=report.folder)


@app.command()
def emulators(
    *,
    participants: Annotated[str, typer.Option(help="Names, separated by commas.")] = "consumer,provider",
    https: Annotated[bool, typer.Option("--https", help="Azurite over TLS.")] = False,
    oauth: Annotated[
        bool, typer.Option("--oauth", help="Managed identities instead of account keys; needs --https.")
    ] = False,
    write: Annotated[
        Path | None, typer.Option(help="Write local.settings.json here; with several participants one file for each.")
    ] = None,
    as_json: _AsJson = False,
) -> None:
    """Start Azurite, Key Vault, identity and Event Grid for participants that you run yourself with `func start`."""
    from ferry.cli.emulators import EmulatorsOptions, run_emulators

    names = tuple(name.strip() for name in participants.split(",") if name.strip())
    with _ended_well(stopped_code=0):
        run_emulators(EmulatorsOptions(participants=names, https=https, oauth=oauth, write=write), as_json=as_json)


@contextmanager
def _ended_well(stopped_code: int | None = None) -> Generator[None]:
    """Inside, failures are told on standard error and end with 1, signals with `stopped_code` or the shell's code."""
    try:
        with stop_requests():
            yield
    except CommandFailed as failure:
        Console(stderr=True).print(f"ferry: {failure}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    except StopRequested as stop:
        raise typer.Exit(stop.exit_code if stopped_code is None else stopped_code) from None


if __name__ == "__main__":
    app()
