"""The table of a bench: one row for each thing that was wanted, as Markdown and as JSON."""

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


def to_json(rows: Sequence[Row]) -> list[dict[str, object]]:
    """The rows for programs."""
    return [asdict(row) for row in rows]


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
