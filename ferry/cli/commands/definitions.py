"""`ferry asset`, `ferry policy` and `ferry contract`: what a provider defines, and what was agreed."""

from pathlib import Path
from typing import Annotated

import typer

from ferry.cli.options import Format, Limit, Offset, Profile
from ferry.cli.output import Output, OutputFormat
from ferry.cli.session import ended_well

asset_app = typer.Typer(no_args_is_help=True, help="Assets: the blobs that are offered.")
policy_app = typer.Typer(no_args_is_help=True, help="Policies: under which conditions.")
contract_app = typer.Typer(
    no_args_is_help=True, help="Contract definitions (which asset under which policy), agreements and negotiations."
)

_Id = Annotated[str, typer.Argument(metavar="ID", show_default=False)]
_OptionalId = Annotated[str | None, typer.Argument(metavar="[ID]", help="Show this one in full.", show_default=False)]


@asset_app.command("create")
def create_asset(
    asset_id: Annotated[str, typer.Argument(metavar="ID", help="The asset's id.", show_default=False)],
    *,
    account: Annotated[str, typer.Option(help="The storage account.")],
    container: Annotated[str, typer.Option(help="The container.")],
    blob: Annotated[str | None, typer.Option(help="One blob.")] = None,
    prefix: Annotated[
        str | None, typer.Option(help="All blobs below this prefix, such as reports/; default: all of the container.")
    ] = None,
    key_name: Annotated[str | None, typer.Option(help="The vault's name of the account key.")] = None,
    endpoint: Annotated[str | None, typer.Option(help="The account's blob endpoint.")] = None,
    properties: Annotated[list[str] | None, typer.Option("--property", help="NAME=VALUE, repeatable.")] = None,
    profile: Profile = None,
    output: Format = OutputFormat.TABLE,
) -> None:
    """Offer blobs under an id."""
    from ferry.cli.definitions import created, read_pairs
    from ferry.cli.session import participant

    shown = Output(output)
    with ended_well(shown):
        told = read_pairs(properties or [], "--property")
        where = {"blobName": blob} if blob is not None else {"blobPrefix": prefix or ""}
        address = {"account": account, "container": container, "keyName": key_name, "endpoint": endpoint, **where}
        with participant(profile) as (client, _):
            made = client.create_asset(asset_id, {k: v for k, v in address.items() if v is not None}, told)
        created(made, "asset", shown)


@asset_app.command("list")
def list_assets(
    *, limit: Limit = 50, offset: Offset = 0, profile: Profile = None, output: Format = OutputFormat.TABLE
) -> None:
    """The participant's assets."""
    from ferry.cli.definitions import ASSETS

    with ended_well(shown := Output(output)):
        ASSETS.list_all(profile, shown, limit=limit, offset=offset)


@asset_app.command("show")
def show_asset(asset_id: _Id, *, profile: Profile = None, output: Format = OutputFormat.TABLE) -> None:
    """One asset."""
    from ferry.cli.definitions import ASSETS

    with ended_well(shown := Output(output)):
        ASSETS.show(asset_id, profile, shown)


@asset_app.command("delete")
def delete_asset(asset_id: _Id, *, profile: Profile = None, output: Format = OutputFormat.TABLE) -> None:
    """Delete an asset that no agreement refers to."""
    from ferry.cli.definitions import ASSETS

    with ended_well(shown := Output(output)):
        ASSETS.delete(asset_id, profile, shown)


@policy_app.command("create")
def create_policy(
    policy_id: Annotated[str, typer.Argument(metavar="ID", help="The policy's id.", show_default=False)],
    *,
    file: Annotated[
        Path | None,
        typer.Option("--file", "-f", help="The ODRL policy as JSON, - for standard input; default: all may use it."),
    ] = None,
    profile: Profile = None,
    output: Format = OutputFormat.TABLE,
) -> None:
    """Define a policy (docs/policies.md says what one can say)."""
    from ferry.cli.definitions import created, read_json
    from ferry.cli.session import participant

    shown = Output(output)
    with ended_well(shown):
        policy = None if file is None else read_json(file, "The policy")
        with participant(profile) as (client, _):
            made = client.create_policy(policy_id, policy)
        created(made, "policy", shown)


@policy_app.command("list")
def list_policies(
    *, limit: Limit = 50, offset: Offset = 0, profile: Profile = None, output: Format = OutputFormat.TABLE
) -> None:
    """The participant's policies."""
    from ferry.cli.definitions import POLICIES

    with ended_well(shown := Output(output)):
        POLICIES.list_all(profile, shown, limit=limit, offset=offset)


@policy_app.command("show")
def show_policy(policy_id: _Id, *, profile: Profile = None, output: Format = OutputFormat.TABLE) -> None:
    """One policy."""
    from ferry.cli.definitions import POLICIES

    with ended_well(shown := Output(output)):
        POLICIES.show(policy_id, profile, shown)


@policy_app.command("delete")
def delete_policy(policy_id: _Id, *, profile: Profile = None, output: Format = OutputFormat.TABLE) -> None:
    """Delete a policy that no contract definition refers to."""
    from ferry.cli.definitions import POLICIES

    with ended_well(shown := Output(output)):
        POLICIES.delete(policy_id, profile, shown)


@contract_app.command("create")
def create_definition(
    definition_id: Annotated[str, typer.Argument(metavar="ID", help="The definition's id.", show_default=False)],
    *,
    asset: Annotated[str, typer.Option(help="The asset that is offered.")],
    policy: Annotated[str, typer.Option(help="The policy of the contract.")],
    access_policy: Annotated[
        str | None, typer.Option(help="Who sees the offer; default: the policy of the contract.")
    ] = None,
    profile: Profile = None,
    output: Format = OutputFormat.TABLE,
) -> None:
    """Offer an asset under a policy."""
    from ferry.cli.definitions import created
    from ferry.cli.session import participant

    shown = Output(output)
    with ended_well(shown), participant(profile) as (client, _):
        made = client.create_contract_definition(definition_id, policy, asset, access_policy_id=access_policy)
        created(made, "contract definition", shown)


@contract_app.command("list")
def list_definitions(
    *, limit: Limit = 50, offset: Offset = 0, profile: Profile = None, output: Format = OutputFormat.TABLE
) -> None:
    """The participant's contract definitions."""
    from ferry.cli.definitions import DEFINITIONS

    with ended_well(shown := Output(output)):
        DEFINITIONS.list_all(profile, shown, limit=limit, offset=offset)


@contract_app.command("show")
def show_definition(definition_id: _Id, *, profile: Profile = None, output: Format = OutputFormat.TABLE) -> None:
    """One contract definition."""
    from ferry.cli.definitions import DEFINITIONS

    with ended_well(shown := Output(output)):
        DEFINITIONS.show(definition_id, profile, shown)


@contract_app.command("delete")
def delete_definition(definition_id: _Id, *, profile: Profile = None, output: Format = OutputFormat.TABLE) -> None:
    """Take an offer back; agreements stay."""
    from ferry.cli.definitions import DEFINITIONS

    with ended_well(shown := Output(output)):
        DEFINITIONS.delete(definition_id, profile, shown)


@contract_app.command()
def agreements(
    agreement_id: _OptionalId = None,
    *,
    limit: Limit = 50,
    offset: Offset = 0,
    profile: Profile = None,
    output: Format = OutputFormat.TABLE,
) -> None:
    """Contract agreements: all of them, or one in full."""
    from ferry.cli.definitions import AGREEMENTS

    with ended_well(shown := Output(output)):
        if agreement_id is None:
            AGREEMENTS.list_all(profile, shown, limit=limit, offset=offset)
        else:
            AGREEMENTS.show(agreement_id, profile, shown)


@contract_app.command()
def negotiations(
    negotiation_id: _OptionalId = None,
    *,
    limit: Limit = 50,
    offset: Offset = 0,
    profile: Profile = None,
    output: Format = OutputFormat.TABLE,
) -> None:
    """Contract negotiations: all of them, or one in full."""
    from ferry.cli.definitions import NEGOTIATIONS

    with ended_well(shown := Output(output)):
        if negotiation_id is None:
            NEGOTIATIONS.list_all(profile, shown, limit=limit, offset=offset)
        else:
            NEGOTIATIONS.show(negotiation_id, profile, shown)
