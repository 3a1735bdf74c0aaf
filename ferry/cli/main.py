"""The `ferry` command: all commands with their groups. What a command needs is imported when it runs, not before."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ferry.cli.commands import blobs, definitions, market, orphans, transfer
from ferry.cli.exits import told_in_help
from ferry.cli.host_kind import HostKind
from ferry.cli.options import AsJson, Format, Profile, chosen_format
from ferry.cli.output import Output, OutputFormat
from ferry.cli.session import ended_well

app = typer.Typer(
    name="ferry",
    help="A serverless dataspace connector: its participants, transfers and copies.",
    epilog=told_in_help(),
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
)
app.add_typer(transfer.app, name="transfer", rich_help_panel="A participant")
app.add_typer(market.catalog_app, name="catalog", rich_help_panel="A participant")
app.command(rich_help_panel="A participant")(market.negotiate)
app.add_typer(definitions.asset_app, name="asset", rich_help_panel="A participant")
app.add_typer(definitions.policy_app, name="policy", rich_help_panel="A participant")
app.add_typer(definitions.contract_app, name="contract", rich_help_panel="A participant")
app.add_typer(orphans.app, name="orphans", rich_help_panel="A participant")
app.command(rich_help_panel="Blobs")(blobs.copy)
app.command(rich_help_panel="Blobs")(blobs.verify)

_LOCAL = "This machine"
_Keyless = Annotated[
    bool, typer.Option("--keyless", help="Managed identities instead of account keys; Azurite over TLS.")
]
_Remote = Annotated[
    bool, typer.Option("--remote-data-plane", help="The provider's data plane as a process of its own.")
]
_Signed = Annotated[bool, typer.Option("--signed", help="Participants prove who they are, by keys that they publish.")]
_Host = Annotated[HostKind, typer.Option(help="What runs the participants: our own host, or Core Tools.")]


@app.command(rich_help_panel="A participant")
def doctor(
    *,
    peer: Annotated[str | None, typer.Option(help="Another participant's DSP address that it should reach.")] = None,
    settings: Annotated[
        Path | None,
        typer.Option(help="Look from inside, with a local.settings.json, which goes before the environment."),
    ] = None,
    profile: Profile = None,
    output: Format = OutputFormat.TABLE,
) -> None:
    """Look for what keeps a participant from working: key, storage, vault, queues, peers, clock; and how to mend it."""
    from ferry.cli.doctor.run import run_doctor

    with ended_well(shown := Output(output)):
        run_doctor(profile, shown, settings=settings, peer=peer)


@app.command(rich_help_panel=_LOCAL)
def up(
    *,
    as_json: AsJson = False,
    output: Format = OutputFormat.TABLE,
    keyless: _Keyless = False,
    remote_data_plane: _Remote = False,
    signed: _Signed = False,
    host: _Host = HostKind.DEVHOST,
) -> None:
    """Start the emulators, a provider and a consumer; Ctrl-C stops them and leaves nothing behind."""
    # What follows loads Azure's SDKs, which `--help` can do without.
    from ferry.cli.stack import StackOptions
    from ferry.cli.up import run_up

    shown = Output(chosen_format(output, as_json))
    with ended_well(stopped_code=0):
        options = StackOptions(keyless=keyless, remote_data_plane=remote_data_plane, signed=signed, host=host)
        run_up(options, as_json=shown.is_json)


@app.command(rich_help_panel=_LOCAL)
def demo(
    *,
    source: Annotated[Path | None, typer.Option(help="A folder of files; default: Python's own library.")] = None,
    unmanaged: Annotated[bool, typer.Option("--unmanaged", help="Into a container that exists and is kept.")] = False,
    as_json: AsJson = False,
    output: Format = OutputFormat.TABLE,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the logs.")] = False,
    keyless: _Keyless = False,
    remote_data_plane: _Remote = False,
    signed: _Signed = False,
    host: _Host = HostKind.DEVHOST,
) -> None:
    """Move real files from a provider to a consumer, verify every one of them, take everything away again."""
    from rich.console import Console

    from ferry.cli.demo import DemoOptions, run_demo
    from ferry.cli.failure import CommandFailed
    from ferry.cli.stack import StackOptions

    shown = Output(chosen_format(output, as_json))
    stack = StackOptions(keyless=keyless, remote_data_plane=remote_data_plane, signed=signed, host=host)
    options = DemoOptions(source=source, unmanaged=unmanaged, keep=keep, stack=stack)
    console = Console(quiet=shown.is_json)
    with ended_well():
        report = run_demo(options, console)
        if shown.is_json:
            print(json.dumps(report.to_json()), flush=True)
        else:
            report.show(console)
        if report.error is not None:
            raise report.error
        if not report.is_good:
            raise CommandFailed("The demo did not end well", next_step="read the logs", log=report.folder)


@app.command(rich_help_panel=_LOCAL)
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
    as_json: AsJson = False,
    output: Format = OutputFormat.TABLE,
) -> None:
    """Start Azurite, Key Vault, identity and Event Grid for participants that you run yourself (ferry host, func)."""
    from ferry.cli.emulators import EmulatorsOptions, run_emulators

    names = tuple(name.strip() for name in participants.split(",") if name.strip())
    shown = Output(chosen_format(output, as_json))
    with ended_well(stopped_code=0):
        options = EmulatorsOptions(participants=names, https=https, oauth=oauth, write=write)
        run_emulators(options, as_json=shown.is_json)


@app.command(rich_help_panel=_LOCAL)
def host(
    *,
    settings: Annotated[Path, typer.Option(help="Its settings, as `ferry emulators --write` makes them.")],
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port; default: LocalHttpPort of the file, or 7071.")
    ] = None,
    address: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    auth: Annotated[bool, typer.Option("--auth", help="Check function keys as Azure does.")] = False,
) -> None:
    """Run one participant with the built-in host, until Ctrl-C. The file goes before the environment."""
    from ferry.cli.one_host import run_one

    with ended_well():
        raise typer.Exit(run_one(settings, port=port, address=address, auth=auth))


if __name__ == "__main__":
    app()
