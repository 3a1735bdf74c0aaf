"""Writes what docs/cli.md says of the commands, from these: `python -m ferry.cli.reference docs/cli.md`."""

import sys
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Protocol, cast

import typer

from ferry.cli.exits import MEANINGS
from ferry.cli.main import app

BEGIN = "<!-- written by python -m ferry.cli.reference; do not edit below -->"
END = "<!-- end of what is written -->"
_PROGRAM = "ferry"


class Parameter(Protocol):
    """An argument or option, as typer has it; its own classes have no types for what is read here."""

    name: str
    help: str | None
    metavar: str | None
    param_type_name: str
    required: bool
    hidden: bool
    is_flag: bool
    default: object
    opts: list[str]
    secondary_opts: list[str]
    type: object


class Command(Protocol):
    """A command, or a group of them."""

    help: str | None
    params: list[Parameter]


def reference() -> str:
    """Exit codes, then every command with its arguments and options."""
    return "\n".join([BEGIN, "", *_exit_codes(), *_commands(), END])


def written_into(document: str) -> str:
    """The document with that part as it is now. Raises ValueError where the marks are missing."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document has no {BEGIN!r} with {END!r} behind it")
    return f"{before}{reference()}{after}"


def commands() -> Iterator[tuple[str, Command]]:
    """Every command by its full name."""
    return _below(typer.main.get_command(app), _PROGRAM)


def _below(group: object, name: str) -> Iterator[tuple[str, Command]]:
    for each, command in cast("Mapping[str, Command]", getattr(group, "commands", {})).items():
        if hasattr(command, "commands"):
            yield from _below(command, f"{name} {each}")
        else:
            yield f"{name} {each}", command


def _exit_codes() -> Iterator[str]:
    yield "## Exit codes"
    yield ""
    yield "| code | means |"
    yield "|---|---|"
    for code, meaning in MEANINGS.items():
        yield f"| {code.value} | {meaning} |"
    yield "| 128 + n | stopped by signal n (130: Ctrl-C); `up`, `emulators` and `host` end with 0 |"
    yield ""


def _commands() -> Iterator[str]:
    yield "## Commands"
    for name, command in commands():
        arguments = [it for it in command.params if it.param_type_name == "argument"]
        options = [it for it in command.params if it.param_type_name == "option" and not it.hidden]
        usage = " ".join(
            [name, *(_argument(it) for it in arguments), *(f"--{it.name} …" for it in options if it.required)]
        )
        yield ""
        yield f"### {name}"
        yield ""
        yield f"`{usage}`"
        yield ""
        yield " ".join(str(command.help).split())
        yield ""
        yield from _rows(arguments, options)
    yield ""


def _rows(arguments: list[Parameter], options: list[Parameter]) -> Iterator[str]:
    if not arguments and not options:
        return
    yield "| | |"
    yield "|---|---|"
    for argument in arguments:
        yield f"| `{_argument(argument)}` | {_told(argument)} |"
    for option in options:
        names = ", ".join(f"`{it}`" for it in [*option.opts, *option.secondary_opts])
        yield f"| {names} | {_told(option)} |"


def _argument(parameter: Parameter) -> str:
    name = str(parameter.metavar or parameter.name.upper()).strip("[]")
    return name if parameter.required else f"[{name}]"


def _told(parameter: Parameter) -> str:
    text = " ".join(str(parameter.help or "").split()).replace("|", "\\|")
    if parameter.param_type_name == "option" and not parameter.is_flag:
        choices = _choices(parameter)
        text += f" ({choices})" if choices else ""
        default = parameter.default
        if default not in (None, []):
            text += f" Default: `{default.value if isinstance(default, Enum) else default}`."
    elif parameter.secondary_opts:
        text += f" Default: `{(parameter.opts if parameter.default else parameter.secondary_opts)[0]}`."
    return text.strip()


def _choices(parameter: Parameter) -> str:
    choices: Iterable[Enum | str] = getattr(parameter.type, "choices", ())
    return " or ".join(f"`{it.value if isinstance(it, Enum) else it}`" for it in choices)


def main(path: Path) -> None:
    """Bring the document up to date."""
    path.write_text(written_into(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
