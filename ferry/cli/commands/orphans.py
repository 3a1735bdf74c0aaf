"""`ferry orphans`: containers of a participant that no process needs any more."""

from typing import Annotated

import typer

from ferry.cli.options import Format, Profile
from ferry.cli.output import Output, OutputFormat
from ferry.cli.session import ended_well

app = typer.Typer(no_args_is_help=True, help="Orphans: containers that no transfer needs any more.")


@app.command("list")
def list_orphans(*, profile: Profile = None, output: Format = OutputFormat.TABLE) -> None:
    """Containers that were made for a transfer which is not known any more, is deprovisioned, or failed long ago."""
    from ferry.cli import orphans

    with ended_well(shown := Output(output)):
        orphans.list_all(profile, shown)


@app.command()
def remove(
    containers: Annotated[
        list[str], typer.Argument(metavar="CONTAINER...", help="Their names, as list tells them.", show_default=False)
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Remove them; without it nothing is removed.")] = False,
    profile: Profile = None,
    output: Format = OutputFormat.TABLE,
) -> None:
    """Say what would become of these containers, or remove them, with all data in them, where they are orphans."""
    from ferry.cli import orphans

    with ended_well(shown := Output(output)):
        orphans.remove(containers, profile, shown, dry_run=not yes)
