"""Works out what Ferry costs in Azure, from counted operations and a list of prices, and writes it into the docs.

    python -m tools.costs [--write]

`infra/costs.json` has both: change a price or a count there, and write the tables again.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypedDict

ROOT = Path(__file__).parent.parent
COSTS = ROOT / "infra" / "costs.json"
PAGE = ROOT / "docs" / "deploy.md"
BEGIN, END = "<!-- costs: written by `python -m tools.costs --write` -->\n", "<!-- end of costs -->\n"


class Price(TypedDict):
    """What so many of a thing cost."""

    usd: float
    per: float


class Line(TypedDict):
    """How many of a priced thing, and how that is known."""

    price: str
    count: float
    why: str


class Case(TypedDict):
    """Something to be paid for."""

    name: str
    lines: list[Line]


class Costs(TypedDict):
    """Prices with their region and date, and what they are applied to."""

    currency: str
    region: str
    noted: str
    prices: Mapping[str, Price]
    cases: list[Case]


def read_costs() -> Costs:
    """The prices and the counts."""
    told: Costs = json.loads(COSTS.read_text())
    return told


def cost_of(line: Line, costs: Costs) -> float:
    """What a line costs."""
    price = costs["prices"][line["price"]]
    return line["count"] * price["usd"] / price["per"]


def tables(costs: Costs) -> str:
    """A Markdown table for each case."""
    return "\n".join(text for case in costs["cases"] for text in _table(case, costs))


def between_marks(page: str, text: str) -> str:
    """The page with the text between its marks. Raises ValueError where they are missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError("the page has no marks for the costs")
    return before + begin + "\n" + text + "\n" + end + after


def _table(case: Case, costs: Costs) -> Iterator[str]:
    lines = case["lines"]
    yield f"**{case['name']}: {_money(sum(cost_of(line, costs) for line in lines))}**\n"
    yield f"| what | how many | {costs['currency']} | |\n|---|---:|---:|---|"
    for line in lines:
        yield f"| {line['price']} | {line['count']:,} | {cost_of(line, costs):.3f} | {line['why']} |"
    yield ""


def _money(amount: float) -> str:
    return f"${amount:.2f}"


def main() -> int:
    """Print the tables, or write them into the docs."""
    text = tables(read_costs())
    if "--write" in sys.argv[1:]:
        PAGE.write_text(between_marks(PAGE.read_text(), text))
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
