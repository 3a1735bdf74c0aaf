"""Goal 13: what a copy costs in Azure: the operations that a service counted, times a list of prices.

The bytes move between two accounts of one region, which costs nothing by itself. Each Put … From URL is a write, and a
read that the service does at the source. Ferry pays for a function's memory while it copies, the others for a virtual
machine; both are taken as long as the copy took here, which a real service bounds otherwise.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from bench.copiers.copier import AZCOPY, FERRY, RCLONE
from bench.measuring.lab import Lab, Trial
from bench.measuring.table import Row
from bench.standin.behaviour import Behaviour
from bench.standin.orders import FROM_URL
from tools.costs import read_costs

_PRICES = Path(__file__).parents[1] / "prices.json"
_WRITES, _READS, _MEMORY = "blobs, writing and listing", "blobs, reading and other", "Functions, memory (GB-s)"
_WRITING = ("Put ", "Copy ", "Set ", "Create ", "List ")
_GIB, _TB = 2**30, 1e12
_MILLION = 1_000_000
MOST_PER_TB, MOST_PER_MILLION = 0.10, 5.42


class Counted(TypedDict):
    """Operations of a copy."""

    writes: float
    reads: float


class CountedBefore(TypedDict):
    """What was counted elsewhere, for a GiB in large blobs and for a small blob."""

    why: str
    gib: Counted
    small_blob: Counted


class Prices(TypedDict):
    """`bench/prices.json`."""

    noted: str
    usd_per_machine_hour: float
    machine: str
    function_gigabytes: float
    counted_before: Mapping[str, CountedBefore]


@dataclass(frozen=True, slots=True)
class Bill:
    """What a copy costs, in USD."""

    operations: float
    machine: float = 0.0

    @property
    def usd(self) -> float:
        """All of it."""
        return self.operations + self.machine

    def times(self, factor: float) -> "Bill":
        """The bill of so many times as much."""
        return Bill(self.operations * factor, self.machine * factor)


def read_prices() -> Prices:
    """What is not in `infra/costs.json`."""
    told: Prices = json.loads(_PRICES.read_text())
    return told


def counted(requests: Mapping[str, int]) -> Counted:
    """Operations by their price, from a stand-in's counts (`account operation`)."""
    operations = [(key.partition(" ")[2], count) for key, count in requests.items()]
    writes = sum(count for name, count in operations if name.startswith(_WRITING))
    behind = sum(count for name, count in operations if name in FROM_URL)
    return Counted(writes=writes, reads=sum(count for _, count in operations) - writes + behind)


def operations_usd(done: Counted) -> float:
    """What operations cost."""
    prices = read_costs()["prices"]
    charged = {_WRITES: done["writes"], _READS: done["reads"]}
    return sum(count * prices[name]["usd"] / prices[name]["per"] for name, count in charged.items())


def bill_of(trial: Trial) -> Bill:
    """What one copy on a stand-in would have cost."""
    prices, seconds = read_prices(), trial.seconds_served
    memory = read_costs()["prices"][_MEMORY]
    if trial.copier == FERRY:
        machine = seconds * prices["function_gigabytes"] * memory["usd"] / memory["per"]
    else:
        machine = seconds / 3600 * prices["usd_per_machine_hour"]
    return Bill(operations_usd(counted(trial.stats["requests"])), machine)


def cost_rows(lab: Lab) -> Iterator[Row]:
    """One row for a TB in large blobs, one for a million small ones."""
    large = Behaviour(blobs=lab.size(10, 2), sizes=(_GIB,), latency_seconds=0.01, bytes_rate=_rate(lab))
    # As many as a page of a listing and more, so that pages do not count for more than they do.
    small = Behaviour(blobs=lab.size(5000, 2000), sizes=(64 * 2**10,), latency_seconds=0.01, bytes_rate=60e6)
    of_tb = _TB / (large.blobs * _GIB)
    yield _row(lab, large, "13 a TB in blobs of 1 GiB", factor=of_tb, most=MOST_PER_TB, before=("gib", _TB / _GIB))
    of_million = _MILLION / small.blobs
    before = ("small_blob", float(_MILLION))
    yield _row(lab, small, "13 a million of 64 KiB", factor=of_million, most=MOST_PER_MILLION, before=before)


def _rate(lab: Lab) -> float:
    return 1.5e9 if lab.is_small else 60e6


def _row(lab: Lab, behaviour: Behaviour, goal: str, *, factor: float, most: float, before: tuple[str, float]) -> Row:
    made = lab.interleaved(lab.unless_small((FERRY, AZCOPY, RCLONE)), lambda name: lab.copied(name, behaviour))
    bills = {name: bill_of(trials[0]).times(factor) for name, trials in made.items() if trials}
    others = {name: bill for name, bill in bills.items() if name != FERRY}
    what, count = before
    for name, it in read_prices()["counted_before"].items():
        others[name] = Bill(operations_usd(it["gib"] if what == "gib" else it["small_blob"])).times(count)
    ours = bills.get(FERRY)
    # How long a small copy takes is mostly how long its process takes to start.
    judged = None if ours is None else ours.operations if lab.is_small else ours.usd
    return Row(
        goal=goal,
        target=f"≤ ${most}",
        ours=_told(ours) if ours else "",
        others={name: _told(bill) for name, bill in others.items()},
        ratio=", ".join(f"{it.usd / ours.usd:.1f}" for it in others.values()) if ours else "-",
        # Two digits, as the goal has them.
        is_met=None if judged is None else round(judged, 2) <= most,
    )


def _told(bill: Bill) -> str:
    return f"${bill.usd:.2f} (machine ${bill.machine:.3f})" if bill.machine else f"${bill.usd:.2f} and a machine"
