"""What of a blob is kept when it is copied, beside AzCopy and rclone: a table of headers, names, kinds and tags.

    ./run bench fidelity [--only TEXT] [--without-peers] [--write FILE] [--json]

Each row is one blob, copied in Azurite by each program, and compared with its source. Exit code 1 where Ferry loses
anything without a word.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.copiers.all import chosen_copiers
from bench.keeping.cases import cases
from bench.keeping.copies import Outcome, columns, running_trials
from bench.keeping.page import page, table
from bench.measuring.lab import tell
from ferry.cli.failure import CommandFailed

# Nothing is lost unseen with these.
HONEST = frozenset({Outcome.KEPT, Outcome.TOLD, Outcome.NAMED, Outcome.LEFT, Outcome.NOT_HERE})
_AT_ONCE = 4
OURS = ("Ferry", "Ferry, streamed")
_COMMAND = "./run bench fidelity --write docs/reference/fidelity.md"


def main(arguments: Sequence[str]) -> int:
    """Copy, print, write; exit code 1 where something is lost unseen."""
    asked = _parsed(arguments)
    try:
        copiers = {it.name: it for it in chosen_copiers(has_peers=not asked.without_peers)}
    except CommandFailed as error:
        tell(str(error))
        return 1
    wanted = [case for case in cases() if asked.only.lower() in case.name.lower()]
    shown = columns(copiers)
    cells: dict[str, list[str]] = {}
    with running_trials() as trials, ThreadPoolExecutor(_AT_ONCE) as pool:
        rows = [pool.submit(trials.row, case, shown) for case in wanted]
        for case, row in zip(wanted, rows, strict=True):
            cells[case.name] = row.result()
            tell(f"{case.name}: {', '.join(cells[case.name])}")
    titles = [column.title for column in shown]
    versions = ", ".join(f"{it.name} {it.version}" for it in copiers.values())
    if asked.json:
        print(json.dumps({"titles": titles, "cells": cells, "versions": versions}))
    else:
        told = table(wanted, titles, cells)
        print(f"{told}\n\n{versions}")
        if asked.write:
            asked.write.write_text(page(told, versions=versions, command=_COMMAND))
    lost = [name for name, row in cells.items() if not HONEST.issuperset(row[: len(OURS)])]
    for name in lost:
        tell(f"lost unseen: {name}")
    return 1 if lost else 0


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./run bench fidelity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="the rows whose names hold this")
    parser.add_argument("--without-peers", action="store_true", help="Ferry alone")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
