"""Finds the shell blocks of the documentation. A comment above each says when it is run: `<!-- run: quick -->`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

ROOT = Path(__file__).parents[2]

_OPENING = re.compile(r"^```(?:sh|bash|console)\s*$")
_MARK = re.compile(r"^<!-- run: ([a-z]+) -->$")


class When(StrEnum):
    """When a block is run."""

    QUICK = "quick"
    """In CI, as it is."""

    PAIR = "pair"
    """In CI, beside a running pair whose addresses and keys are in the environment."""

    SLOW = "slow"
    """By `./run nightly`."""

    CI = "ci"
    """By .ci/run or `./run nightly` under its own name: running it here would run everything twice."""

    AZURE = "azure"
    """Only in a subscription; `./run deploy-check` parses its az calls."""


@dataclass(frozen=True, slots=True)
class Block:
    """A shell block: where it stands, its commands, and when it is run (None: nobody says)."""

    path: Path
    line: int
    commands: str
    when: When | None

    @property
    def place(self) -> str:
        """File and line, as editors read them."""
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """Every page that may tell a reader what to type."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks_of(path: Path) -> Iterator[Block]:
    """The shell blocks of a page, in their order."""
    when: When | None = None
    opened: int | None = None
    held: list[str] = []
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if opened is not None:
            if line.startswith("```"):
                yield Block(path, opened, "\n".join(held) + "\n", when)
                opened, held, when = None, [], None
            else:
                held.append(line)
        elif _OPENING.match(line):
            opened = number
        elif mark := _MARK.match(line):
            when = When(mark.group(1))
        elif line:
            when = None


def all_blocks() -> list[Block]:
    """The shell blocks of all pages."""
    return [block for path in pages() for block in blocks_of(path)]
