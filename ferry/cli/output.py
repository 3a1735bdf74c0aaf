"""What a command writes: a table or lines for people, one JSON document for programs; nothing of a peer's runs wild."""

import json
import re
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import IO

    from rich.console import Console

_PLAIN_WIDTH = 4096
# What would move the cursor, change colours or end a line: texts of others are shown, never carried out.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class OutputFormat(StrEnum):
    """How results are written to standard output."""

    TABLE = "table"
    JSON = "json"


class Output:
    """Standard output for results, standard error for what is said on the way."""

    def __init__(self, chosen: OutputFormat = OutputFormat.TABLE) -> None:
        self.format = chosen

    @property
    def is_json(self) -> bool:
        """Whether a program reads the result."""
        return self.format is OutputFormat.JSON

    @property
    def console(self) -> "Console":
        """Where people read: nothing is cut off where nobody looks at a screen."""
        return console_for(sys.stdout)

    def result(self, document: object) -> None:
        """The one JSON document of this command; only with `--output json`."""
        if self.is_json:
            print(json.dumps(document, ensure_ascii=False), flush=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, empty: str = "none") -> None:
        """Rows for people; only with `--output table`."""
        if self.is_json:
            return
        if not rows:
            self.line(empty)
            return
        from rich.table import Table
        from rich.text import Text

        shown = Table(*columns, box=None, pad_edge=False)
        for row in rows:
            shown.add_row(*(Text(printable(cell)) for cell in row))
        self.console.print(shown)

    def line(self, text: str, *, style: str = "") -> None:
        """A line for people; only with `--output table`."""
        if not self.is_json:
            write_lines(sys.stdout, [text], style=style)

    def note(self, text: str) -> None:
        """A line on the way, for whoever looks: on standard error."""
        write_lines(sys.stderr, [text])


def console_for(stream: "IO[str]") -> "Console":
    """A console on a stream: as wide as the terminal, or as wide as it needs where there is none."""
    from rich.console import Console

    return Console(file=stream, width=None if stream.isatty() else _PLAIN_WIDTH)


def write_lines(stream: "IO[str]", lines: Sequence[str], *, style: str = "") -> None:
    """Lines for people, each made printable; `style` where the stream is a terminal."""
    text = "\n".join(printable(line) for line in lines)
    if stream.isatty():
        console_for(stream).print(text, style=style, markup=False, highlight=False, soft_wrap=True)
    else:
        # The terminal's library would take a tenth of the time in which a small copy is done.
        print(text, file=stream, flush=True)


def printable(text: str) -> str:
    """The text with its control characters made visible."""
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)
