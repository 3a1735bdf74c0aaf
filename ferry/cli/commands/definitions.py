"""`ferry asset`, `ferry policy` and `ferry contract`: what a provider defines, and what was agreed."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ferry.cli.options import Format, Limit, Offset, Profile
from ferry.cli.output import Output, OutputFormat
from ferry.cli.session import ended_well

if TYPE_CHECKING:
    from ferry.cli.definitions import Resource

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


def _register_readers(app: typer.Typer, of: str, *, lists: str, shows: str, deletes: str) -> None:
    """`list`, `show` and `delete` of one kind of resource."""

    @app.command("list", help=lists)
    def list_all(
        *, limit: Limit = 50, offset: Offset = 0, profile: Profile = None, output: Format = OutputFormat.TABLE
    ) -> None:
        with ended_well(shown := Output(output)):
            _resource(of).list_all(profile, shown, limit=limit, offset=offset)

    @app.command("show", help=shows)
    def show(wanted_id: _Id, *, profile: Profile = None, output: Format = OutputFormat.TABLE) -> None:
        with ended_well(shown := Output(output)):
            _resource(of).show(wanted_id, profile, shown)

    @app.command("delete", help=deletes)
    def delete(wanted_id: _Id, *, profile: Profile = None, output: Format = OutputFormat.TABLE) -> None:
        with ended_well(shown := Output(output)):
            _resource(of).delete(wanted_id, profile, shown)


def _register_history(of: str, help_text: str) -> None:
    """What came about by itself: a list, or one in full."""

    @contract_app.command(of, help=help_text)
    def read(
        wanted_id: _OptionalId = None,
        *,
        limit: Limit = 50,
        offset: Offset = 0,
        profile: Profile = None,
        output: Format = OutputFormat.TABLE,
    ) -> None:
        with ended_well(shown := Output(output)):
            if wanted_id is None:
                _resource(of).list_all(profile, shown, limit=limit, offset=offset)
            else:
                _resource(of).show(wanted_id, profile, shown)


def _resource(of: str) -> "Resource":
    from ferry.cli.definitions import RESOURCES

    return RESOURCES[of]


_register_readers(
    asset_app,
    "assets",
    lists="The participant's assets.",
    shows="One asset.",
    deletes="Delete an asset that no agreement refers to.",
)
_register_readers(
    policy_app,
    "policies",
    lists="The participant's policies.",
    shows="One policy.",
    deletes="Delete a policy that no contract definition refers to.",
)
_register_readers(
    contract_app,
    "definitions",
    lists="The participant's contract definitions.",
    shows="One contract definition.",
    deletes="Take an offer back; agreements stay.",
)
_register_history("agreements", "Contract agreements: all of them, or one in full.")
_register_history("negotiations", "Contract negotiations: all of them, or one in full.")
