"""The table of a bench: one row for each thing that was wanted, as Markdown and as JSON."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A goal and what came of it. `is_met` None: not judged here. `others`: what the peers did, by their names."""

    goal: str
    target: str
    ours: str
    others: dict[str, str] = field(default_factory=dict[str, str])
    ratio: str = ""
    is_met: bool | None = None


def markdown(rows: Sequence[Row], others: Sequence[str]) -> str:
    """The rows as a table."""
    head = ["goal", "target", "Ferry", *others, "ratio", "met"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        met = {True: "yes", False: "**no**", None: ""}[row.is_met]
        lines.append([row.goal, row.target, row.ours, *(row.others.get(it, "") for it in others), row.ratio, met])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def tell_rows(rows: Sequence[Row], others: Sequence[str], told: str, *, as_json: bool) -> int:
    """Print the rows and how they came about; the exit code is 1 where a goal is not met.

    `others`: the peers that have a column. `told`: versions, machine, command, how often it measured.
    """
    if as_json:
        print(json.dumps({"rows": [asdict(row) for row in rows], "told": told}))
    else:
        print(markdown(rows, others))
        print(f"\n{told}")
    return 1 if any(row.is_met is False for row in rows) else 0


def spread(values: Sequence[float], unit: str, *, digits: int = 0) -> str:
    """The median, and from where to where where there are several."""
    if not values:
        return ""
    middle = f"{statistics.median(values):,.{digits}f}{unit}"
    if len(values) == 1:
        return middle
    return f"{middle} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def ratio(one: Sequence[float], other: Sequence[float]) -> float | None:
    """The ratio of two medians; None where there is none."""
    if not one or not other or not (below := statistics.median(other)):
        return None
    return statistics.median(one) / below
