"""Tables and headings of the pages that are written from the code."""

from collections.abc import Iterable, Iterator, Sequence

WRITTEN = "<!-- written by `python -m tools.reference --write`; do not edit -->"


def page(title: str, intro: str, lines: Iterable[str]) -> str:
    """A whole page."""
    return "\n".join((f"# {title}", "", WRITTEN, "", intro, "", *lines)).rstrip("\n") + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The lines of a table, and an empty one."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell(it) for it in row)} |"
    yield ""


def cell(text: str) -> str:
    """A text that stays in its cell."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """A text as code; nothing where there is none."""
    return f"`{text}`" if text else ""


def sentence(fragment: str) -> str:
    """A fragment as a sentence of its own."""
    return f"{fragment[0].upper()}{fragment[1:]}."
