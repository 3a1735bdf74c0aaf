"""`ferry catalog` and `ferry negotiate`: what another participant offers, and how to agree on it."""

from typing import Annotated

import typer

from ferry.cli.options import Format, Limit, Offset, Profile
from ferry.cli.output import Output, OutputFormat
from ferry.cli.session import ended_well

catalog_app = typer.Typer(no_args_is_help=True, help="Catalogs: what another participant offers us.")

_Provider = Annotated[
    str,
    typer.Argument(
        metavar="PROVIDER", help="The provider's DSP address, such as https://host/api/dsp/2025-1.", show_default=False
    ),
]
_Asset = Annotated[str, typer.Argument(metavar="ASSET", help="The asset's id.", show_default=False)]


@catalog_app.command("list")
def list_offers(
    provider: _Provider,
    *,
    limit: Limit = 50,
    offset: Offset = 0,
    profile: Profile = None,
    output: Format = OutputFormat.TABLE,
) -> None:
    """The offers of a provider."""
    from ferry.cli import market

    with ended_well(shown := Output(output)):
        market.list_offers(provider, profile, shown, limit=limit, offset=offset)


@catalog_app.command("show")
def show_offer(
    provider: _Provider, asset: _Asset, *, profile: Profile = None, output: Format = OutputFormat.TABLE
) -> None:
    """One asset of a provider, with its offers and their policies."""
    from ferry.cli import market

    with ended_well(shown := Output(output)):
        market.show_offer(provider, asset, profile, shown)


def negotiate(
    provider: _Provider,
    asset: _Asset,
    *,
    offer: Annotated[str | None, typer.Option(help="The offer's id, where the asset has several.")] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it to the agreement.")] = True,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait at most; then exit code 7.")] = 60,
    profile: Profile = None,
    output: Format = OutputFormat.TABLE,
) -> None:
    """Negotiate a contract about an asset and print the agreement's id."""
    from ferry.cli import market

    with ended_well(shown := Output(output)):
        wanted = market.WantedOffer(provider, asset, offer)
        market.negotiate(wanted, profile, shown, timeout=timeout if wait else None)
