"""`ferry transfer`: start, list, watch, explain, suspend, resume, terminate, deprovision."""

from typing import Annotated

import typer

from ferry.cli import options
from ferry.cli.options import Format, Limit, Offset, Profile, Timeout
from ferry.cli.output import Output, OutputFormat
from ferry.cli.session import ended_well

app = typer.Typer(no_args_is_help=True, help="Transfers: start them, follow them, find out why they failed.")

_Id = Annotated[str, typer.Argument(metavar="ID", help="The transfer's id at this participant.", show_default=False)]
_Reason = Annotated[str, typer.Option(help="Why; the other side is told.")]
_Wait = Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until it is done.")]


@app.command()
def start(
    agreement: Annotated[str, typer.Argument(help="The contract agreement's id.", show_default=False)],
    *,
    asset: Annotated[str | None, typer.Option(help="The asset; default: what the agreement is about.")] = None,
    provider: Annotated[
        str | None, typer.Option(help="The provider's DSP address; default: where the agreement was negotiated.")
    ] = None,
    transfer_type: Annotated[str, typer.Option("--type", help="The transfer type.")] = "AzureStorage-PUSH",
    unmanaged: Annotated[
        bool, typer.Option("--unmanaged", help="Into a container that exists and is kept (--container).")
    ] = False,
    account: Annotated[str | None, typer.Option(help="The destination account.")] = None,
    container: Annotated[str | None, typer.Option(help="The destination container.")] = None,
    folder: Annotated[str | None, typer.Option(help="A folder in it, such as incoming/.")] = None,
    blob_name: Annotated[str | None, typer.Option(help="Another name for a single blob.")] = None,
    key_name: Annotated[str | None, typer.Option(help="The vault's name of the account key.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="The account's blob endpoint.")] = None,
    sas_seconds: Annotated[int | None, typer.Option(min=60, max=86400, help="How long the SAS is valid.")] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="The same key starts the transfer once, however often it is sent.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it until it ends.")] = False,
    timeout: Timeout = None,
    profile: Profile = None,
    output: Format = OutputFormat.TABLE,
) -> None:
    """Start a transfer (step 1) and print its id."""
    from ferry.cli import transfers

    shown = Output(output)
    destination = {
        "account": account,
        "container": container,
        "folderName": folder,
        "blobName": blob_name,
        "keyName": key_name,
        "endpoint": endpoint,
    }
    order = transfers.StartOrder(
        agreement_id=agreement,
        asset_id=asset,
        provider=provider,
        transfer_type=transfer_type,
        managed=not unmanaged,
        destination={name: value for name, value in destination.items() if value is not None},
        sas_seconds=sas_seconds,
        idempotency_key=idempotency_key,
    )
    with ended_well(shown):
        transfers.start(order, profile, shown, timeout=timeout, wait=wait)


@app.command("list")
def list_transfers(
    *,
    state: Annotated[str | None, typer.Option(help="Only those in this state, such as STARTED.")] = None,
    role: Annotated[str | None, typer.Option(help="Only those where we are consumer or provider.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that are TERMINATED.")] = False,
    limit: Limit = 50,
    offset: Offset = 0,
    profile: Profile = None,
    output: Format = OutputFormat.TABLE,
) -> None:
    """Transfers, newest first, with the cause of those that failed."""
    from ferry.cli import transfers

    shown = Output(output)
    with ended_well(shown):
        wanted = "TERMINATED" if failed else state
        transfers.list_all(profile, shown, state=wanted, role=role, limit=limit, offset=offset)


@app.command()
def watch(
    transfer_id: _Id, *, timeout: Timeout = None, profile: Profile = None, output: Format = OutputFormat.TABLE
) -> None:
    """Follow a transfer until it ends: its states, blobs, bytes, rate and time left."""
    from ferry.cli import transfers

    shown = Output(output)
    with ended_well(shown):
        transfers.watch(transfer_id, profile, shown, timeout=timeout)


@app.command()
def explain(
    transfer_id: _Id,
    *,
    peer_profile: Annotated[
        str | None,
        typer.Option(
            help="The other participant's profile: shows its side, too.", autocompletion=options.known_profiles
        ),
    ] = None,
    profile: Profile = None,
    output: Format = OutputFormat.TABLE,
) -> None:
    """Tell its story: what happened when, what it waits for, why it failed, whether a retry helps, what to do next."""
    from ferry.cli import transfers

    shown = Output(output)
    with ended_well(shown):
        transfers.explain(transfer_id, profile, shown, peer_profile=peer_profile)


@app.command()
def suspend(
    transfer_id: _Id,
    *,
    reason: _Reason = "suspended from the command line",
    profile: Profile = None,
    output: Format = OutputFormat.TABLE,
) -> None:
    """Let a STARTED transfer stand still."""
    from ferry.cli import transfers

    shown = Output(output)
    with ended_well(shown):
        transfers.order(transfer_id, "suspend", profile, shown, reason=reason)


@app.command()
def resume(transfer_id: _Id, *, profile: Profile = None, output: Format = OutputFormat.TABLE) -> None:
    """Let a SUSPENDED transfer go on."""
    from ferry.cli import transfers

    shown = Output(output)
    with ended_well(shown):
        transfers.order(transfer_id, "resume", profile, shown)


@app.command()
def terminate(
    transfer_id: _Id,
    *,
    reason: _Reason = "terminated from the command line",
    profile: Profile = None,
    output: Format = OutputFormat.TABLE,
) -> None:
    """End a transfer before it is complete."""
    from ferry.cli import transfers

    shown = Output(output)
    with ended_well(shown):
        transfers.order(transfer_id, "terminate", profile, shown, reason=reason)


@app.command()
def deprovision(
    transfer_id: _Id,
    *,
    wait: _Wait = True,
    timeout: options.Timeout = 120,
    profile: Profile = None,
    output: Format = OutputFormat.TABLE,
) -> None:
    """Take away what was created for a transfer: container, SAS, secret (steps 16-18). One that runs is ended first."""
    from ferry.cli import transfers

    shown = Output(output)
    with ended_well(shown):
        transfers.deprovision(transfer_id, profile, shown, timeout=timeout, wait=wait)
