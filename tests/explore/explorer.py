"""Breadth first through all situations, counting distinct ones, and checking each."""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from ferry.domain.decision import Look
from ferry.domain.process import Role
from tests.explore.documents import FAR, Decide, Documents, new_consumer, real_decisions
from tests.explore.effects import CONSUMER, PROVIDER
from tests.explore.invariants import broken_by_move, unrest
from tests.explore.moves import moved, moves
from tests.explore.world import Situation, World

REST_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Budgets:
    """How often something may go wrong or be asked for on one path."""

    faults: int = 1
    repeats: int = 1
    crashes: int = 1
    deadlines: int = 1
    terminations: int = 1
    deprovisions: int = 2


@dataclass(slots=True)
class Report:
    """What an exploration has found. `is_whole`: there was nothing left to explore."""

    states: int = 0
    moves: int = 0
    documents: int = 0
    rested: int = 0
    seconds: float = 0.0
    is_whole: bool = False
    violation: str | None = None
    trace: list[str] = field(default_factory=list[str])


class Explorer:
    """Explores with the product's decisions, or with others in their place."""

    def __init__(
        self,
        decisions: Mapping[Role, Decide] | None = None,
        *,
        rest_every: int = 50,
        writes_blindly: bool = False,
    ) -> None:
        self._documents = Documents(decisions or real_decisions(), writes_blindly)
        self._rest_every = rest_every
        self._cameby: dict[Situation, tuple[Situation, str] | None] = {}

    def explore(self, *, states: int, budgets: Budgets) -> Report:
        """Until so many distinct states are known, the space is exhausted, or something is broken."""
        begun = time.perf_counter()
        report = Report()
        start = self._start(budgets)
        self._cameby = {start: None}
        frontier = deque([start])
        while frontier and len(self._cameby) < states and report.violation is None:
            self._visit(frontier.popleft(), frontier, report)
        report.states = len(self._cameby)
        report.documents = len(self._documents.known) - 1
        report.is_whole = not frontier
        report.seconds = time.perf_counter() - begun
        return report

    def _start(self, budgets: Budgets) -> Situation:
        return Situation(
            self._documents.intern(new_consumer()),
            0,
            World(),
            faults=budgets.faults,
            repeats=budgets.repeats,
            crashes=budgets.crashes,
            deadlines=budgets.deadlines,
            terminations=budgets.terminations,
            deprovisions=budgets.deprovisions,
        )

    def _visit(self, situation: Situation, frontier: deque[Situation], report: Report) -> None:
        report.moves += 1
        for label, after in moves(self._documents, situation):
            if after in self._cameby:
                continue
            self._cameby[after] = (situation, label)
            frontier.append(after)
            broken = broken_by_move(self._documents, situation, after)
            if broken:
                self._found(report, broken, after)
                return
        if report.moves % self._rest_every == 0:
            report.rested += 1
            broken = self._at_rest(situation)
            if broken:
                self._found(report, broken, situation)

    def _at_rest(self, situation: Situation) -> str | None:
        """What is wrong once everything has gone well from here on."""
        calm = situation._replace(faults=0, repeats=0, crashes=0, deadlines=2, terminations=0, deprovisions=0)
        seen = {calm}
        for _ in range(REST_LIMIT):
            following = self._next_calm(calm, seen)
            if following is None:
                return unrest(self._documents, calm)
            seen.add(following)
            calm = following
        return "it does not come to rest"

    def _next_calm(self, situation: Situation, seen: set[Situation]) -> Situation | None:
        """A move that brings it forward: work first, then looks, then deadlines, and giving up comes last."""
        new = [(_rank(label), it) for label, it in moves(self._documents, situation) if it not in seen]
        if new:
            return min(new, key=lambda ranked: ranked[0])[1]
        for side, number in ((CONSUMER, situation.consumer), (PROVIDER, situation.provider)):
            given_up, _ = self._documents.decide(number, "give up", Look(), now=FAR) if number else (0, False)
            if given_up != number:
                return moved(situation, side, given_up)
        return None

    def _found(self, report: Report, broken: str, situation: Situation) -> None:
        report.violation = broken
        labels: list[str] = []
        at = situation
        while True:
            came = self._cameby[at]
            if came is None:
                break
            at, label = came
            labels.append(label)
        report.trace = labels[::-1]


def _rank(label: str) -> int:
    """How late a move is tried when everything goes well."""
    return 2 if label.endswith("deadline passes") else 1 if label.endswith("is looked at") else 0
