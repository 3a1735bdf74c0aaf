"""Parses az calls without carrying them out; run by the Python that has the azure-cli package.

On standard input a JSON list of argument lists, on standard output a JSON list of what is wrong with each (empty:
nothing). The CLI's own invoker does all that comes before a command, and is left when the arguments are parsed.
"""

import contextlib
import importlib
import io
import json
import sys
from typing import NoReturn, Protocol


class _Cli(Protocol):
    def invoke(self, args: list[str], *, out_file: io.StringIO) -> int: ...

    def register_event(self, event_name: str, handler: object) -> None: ...


class _Parsed(BaseException):
    """Leaves the CLI by the way that none of its handlers takes."""


def _leave(*_: object, **__: object) -> NoReturn:
    raise _Parsed


def fault_of(cli: _Cli, call: list[str]) -> str:
    """What the parser says against a call."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            cli.invoke(call, out_file=said)
    except _Parsed:
        return ""
    except SystemExit:
        pass
    return said.getvalue().strip() or "refused without a word"


def main() -> None:
    """Parse all calls."""
    cli: _Cli = importlib.import_module("azure.cli.core").get_default_cli()
    cli.register_event(importlib.import_module("knack.events").EVENT_INVOKER_POST_PARSE_ARGS, _leave)
    print(json.dumps([fault_of(cli, call) for call in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
