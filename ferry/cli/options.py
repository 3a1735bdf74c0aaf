"""Options that many commands share."""

from typing import Annotated

import typer

from ferry.cli.output import OutputFormat


def known_profiles(incomplete: str) -> list[str]:
    """The names of profiles that begin like that, for the shell's completion; none where the file cannot be read."""
    from ferry.cli.failure import CommandFailed
    from ferry.cli.profiles import read_config

    try:
        return sorted(name for name in read_config().profiles if name.startswith(incomplete))
    except CommandFailed:
        return []


Profile = Annotated[
    str | None,
    typer.Option("--profile", "-p", help="Which participant, by its profile.", autocompletion=known_profiles),
]
Format = Annotated[OutputFormat, typer.Option("--output", "-o", help="A table for people, or one JSON document.")]
AsJson = Annotated[bool, typer.Option("--json", help="The same as --output json.")]
Limit = Annotated[int, typer.Option(min=1, max=1_000_000, help="How many at most.")]
Offset = Annotated[int, typer.Option(min=0, max=1_000_000, help="How many to leave out first.")]
Timeout = Annotated[float | None, typer.Option(min=0, help="Seconds to wait at most; then exit code 7.")]


def chosen_format(chosen: OutputFormat, as_json: bool) -> OutputFormat:
    """What `--output` and `--json` say together."""
    return OutputFormat.JSON if as_json else chosen
