"""The 18 steps of a transfer: which are done and when, which one is under way, which will not come any more."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ferry.cli.management import HistoryLine, ProcessError

CONSUMER, PROVIDER, CLIENT = "consumer", "provider", "client"

# Who takes a step, and what it is, as the decision record has them.
STEPS: dict[int, tuple[str, str]] = {
    1: (CLIENT, "ask the consumer for the transfer"),
    2: (CONSUMER, "take the credential for the destination account"),
    3: (CONSUMER, "create the container, issue a SAS that can only write"),
    4: (CONSUMER, "store the SAS in the vault"),
    5: (CONSUMER, "ask the provider (TransferRequestMessage)"),
    6: (PROVIDER, "store the SAS in its own vault"),
    7: (PROVIDER, "start the data flow, and say so"),
    8: (PROVIDER, "take the credential for the source account"),
    9: (PROVIDER, "take the SAS from the vault"),
    10: (PROVIDER, "read the source"),
    11: (PROVIDER, "write the blobs"),
    12: (PROVIDER, "write the marker, say that all is delivered"),
    13: (CONSUMER, "check what has arrived"),
    14: (CLIENT, "see COMPLETED"),
    15: (CLIENT, "read the data"),
    16: (CLIENT, "ask for deprovisioning"),
    17: (CONSUMER, "revoke the SAS, delete its secret"),
    18: (CONSUMER, "delete the container"),
}
_VERIFIED, _FIRST_OF_CLEAN_UP = 13, 16
_OVER = frozenset({"COMPLETED", "TERMINATED", "DEPROVISIONING", "DEPROVISIONED"})
_WAITS_AT = {
    "INITIAL": 6,
    "PREPARATION_REQUESTED": 2,
    "REQUESTING": 5,
    "REQUESTED": 6,
    "STARTING": 7,
    "STARTED": 11,
    "SUSPENDING": 11,
    "SUSPENDED": 11,
    "RESUMING": 11,
    "COMPLETING": 13,
    "DEPROVISIONING": 18,
}


class StepStatus(StrEnum):
    """How a step stands.

    IMPLIED: later ones are done, so this one is, or was not needed; nobody noted when. UNSEEN: the other side knows.
    """

    DONE = "done"
    IMPLIED = "implied"
    NOW = "now"
    FAILED = "failed"
    OPEN = "open"
    UNSEEN = "unseen"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Step:
    """One of the 18 with its status; `at` where its time is known; `what` as the history has it."""

    number: int
    who: str
    title: str
    status: StepStatus
    at: datetime | None = None
    what: str = ""


@dataclass(frozen=True, slots=True)
class SideLine:
    """A line of history with the side whose it is."""

    side: str
    line: HistoryLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a transfer stands: its state, why it failed, and whose histories are known."""

    state: str
    error: ProcessError | None
    sides: frozenset[str]

    @property
    def failed_step(self) -> int | None:
        """The step that failed."""
        return self.error.step if self.error else None

    @property
    def passed(self) -> int:
        """Below this step all are done for sure: who fails at a step of its own has come so far.

        A deadline and the consumer's check say only where it was noticed.
        """
        step = self.failed_step or 0
        is_sure = self.error is not None and self.error.code != "DEADLINE_EXCEEDED" and step < _VERIFIED
        return step if is_sure else 0


def steps_of(lines: Sequence[SideLine], standing: Standing) -> list[Step]:
    """All steps, from what the sides have noted so far."""
    noted = _noted(lines)
    reached = max((number for number in noted if number <= _VERIFIED), default=0)
    if standing.state in ("COMPLETED", "DEPROVISIONED") and standing.error is None and noted:
        reached = _VERIFIED
    return [_step(number, noted, standing, max(reached, standing.passed)) for number in STEPS]


def _noted(lines: Iterable[SideLine]) -> dict[int, HistoryLine]:
    """The first line of each step; the check of what arrived counts when it is over."""
    found: dict[int, HistoryLine] = {}
    for noted in lines:
        line = noted.line
        is_claim = line.step == _VERIFIED and line.state != "COMPLETED"
        if line.step is not None and line.state != "TERMINATED" and not is_claim:
            found.setdefault(line.step, line)
    return found


def _step(number: int, noted: Mapping[int, HistoryLine], standing: Standing, reached: int) -> Step:
    who, title = STEPS[number]
    line = noted.get(number)
    if number == standing.failed_step:
        return Step(number, who, title, StepStatus.FAILED)
    if line is not None:
        return Step(number, who, title, StepStatus.DONE, line.at, line.what)
    if number >= _FIRST_OF_CLEAN_UP:
        return Step(number, who, title, _of_clean_up(number, standing.state))
    return Step(number, who, title, _of_transfer(number, who, standing, reached))


def _of_clean_up(number: int, state: str) -> StepStatus:
    if state == "DEPROVISIONED":
        return StepStatus.IMPLIED
    return StepStatus.NOW if number == _WAITS_AT.get(state) else StepStatus.OPEN


def _of_transfer(number: int, who: str, standing: Standing, reached: int) -> StepStatus:
    if number < reached:
        return StepStatus.IMPLIED
    if number > _VERIFIED:
        # What the client does with the data is its own business.
        return StepStatus.NEVER if standing.error else StepStatus.OPEN
    waits_at = max(reached + 1, _WAITS_AT.get(standing.state, 0))
    if number == waits_at and standing.state not in _OVER:
        return StepStatus.NOW
    is_after_end = standing.failed_step is not None and number > standing.failed_step
    if who == PROVIDER and PROVIDER not in standing.sides and not is_after_end:
        return StepStatus.UNSEEN
    return StepStatus.NEVER if standing.state in _OVER else StepStatus.OPEN
