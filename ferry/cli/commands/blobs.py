"""`ferry copy` and `ferry verify`: blobs by their addresses, without any connector."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ferry.cli.options import AsJson, Format, chosen_format
from ferry.cli.output import Output, OutputFormat
from ferry.cli.session import ended_well

_HOW = "A URL with its SAS, - (a line of standard input), env:NAME or @FILE."


class OnChange(StrEnum):
    """What becomes of a blob that is changed while it is copied."""

    FAIL = "fail"
    TAKE = "take"


def copy(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help=f"A container, a folder/ or a blob, or any file by HTTPS. {_HOW}", show_default=False
        ),
    ],
    destination: Annotated[
        str,
        typer.Argument(metavar="DESTINATION", help=f"A container, a folder/ or a blob. {_HOW}", show_default=False),
    ],
    *,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over blobs that are there.")] = False,
    on_change: Annotated[
        OnChange, typer.Option(help="A blob that changes meanwhile: fail, or take its new version.")
    ] = OnChange.FAIL,
    workers: Annotated[
        int | None, typer.Option(min=1, max=4096, help="Requests under way at once, at most; default: what helps.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="A file that keeps how far it is; the same command goes on from there.")
    ] = None,
    as_json: AsJson = False,
    output: Format = OutputFormat.TABLE,
) -> None:
    """Copy blobs from one address to another, by the service itself where it can; goes on where it stopped before."""
    from ferry.cli.blobs.copy import CopyOrder, run_copy

    shown = Output(chosen_format(output, as_json))
    order = CopyOrder(
        source=source,
        destination=destination,
        overwrite=overwrite,
        takes_changes=on_change is OnChange.TAKE,
        workers=workers,
        state_file=state,
    )
    with ended_well(shown):
        run_copy(order, shown)


def verify(
    container: Annotated[str, typer.Argument(metavar="CONTAINER", help=_HOW, show_default=False)],
    *,
    marker: Annotated[str, typer.Option(help="The marker's name.")] = ".complete",
    ignore_others: Annotated[
        bool, typer.Option("--ignore-others", help="The container is shared: other blobs may lie there, too.")
    ] = False,
    as_json: AsJson = False,
    output: Format = OutputFormat.TABLE,
) -> None:
    """Check a delivered container against its manifest, at any time: what is missing, too much or of another size."""
    from ferry.cli.blobs.verify import VerifyOrder, run_verify

    shown = Output(chosen_format(output, as_json))
    with ended_well(shown):
        run_verify(VerifyOrder(container, marker, ignore_others), shown)
