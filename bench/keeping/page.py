"""The table as the documentation shows it, and the outcomes that are read from it again."""

from collections.abc import Mapping, Sequence

from bench.keeping.cases import Case

type Cells = Mapping[str, Sequence[str]]


def table(cases: Sequence[Case], titles: Sequence[str], cells: Cells) -> str:
    """The rows as Markdown, with what is different on Azure below."""
    lines = [["what", *titles], ["---"] * (len(titles) + 1)]
    notes: list[str] = []
    for case in cases:
        mark = ""
        if case.note:
            if case.note not in notes:
                notes.append(case.note)
            mark = f" [{notes.index(case.note) + 1}]"
        lines.append([case.name + mark, *cells[case.name]])
    shown = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    below = "\n".join(f"{number}. {note}." for number, note in enumerate(notes, start=1))
    return f"{shown}\n\n{below}"


def page(shown: str, *, versions: str, command: str) -> str:
    """The whole page."""
    return f"""# What a copy keeps

<!-- written by `{command}`; do not edit -->

{versions}. Written by `{command}`.

Each row is a copy of one blob between two containers of an Azurite, with each program's defaults; where those lose
something that an option keeps, the cell names the option. Compared are the bytes, the name, and what the row names.
Azurite gets the operation Put Blob From URL by being handed it as Copy Blob From URL; without it AzCopy copies no
small blob there. "Ferry, streamed": the destination's service cannot read the source, so the bytes pass through the
machine that copies; AzCopy has no such way. "refused by name": the copy ends with an error that names the blob.
"dropped, and said so": counted in `notKept` of the summary, and of the manifest that a transfer ends with.

{shown}

Not copied by Ferry, and not told by the listing that it copies from: snapshots, versions, deleted blobs, leases,
immutability policies and legal holds, encryption scopes, the times of creation and change, and whether an append blob
is sealed. The names of metadata are those that the service allows; others are refused by Azure.
"""


def outcomes(text: str, titles: Sequence[str]) -> dict[str, list[str]]:
    """The cells of these columns in a page, by the names of the rows without their notes."""
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line[:1] == "|"]
    if not rows:
        return {}
    at = [rows[0].index(title) for title in titles]
    return {row[0].rpartition(" [")[0] or row[0]: [row[it] for it in at] for row in rows[2:]}
