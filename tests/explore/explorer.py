"""Searches all situations, the least mishaps first, counting distinct ones and checking each.

A situation that was reached with fewer mishaps need not be looked at again when it is reached with more. So all there
is with one mishap is known before anything with two is tried, each as deep as it goes.
"""

import itertools
import random
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from ferry.domain.message_kind import Role
from ferry.domain.states import TransferState
from tests.explore.documents import Decide, Documents, new_consumer, real_decisions
from tests.explore.effects import CONSUMER, PROVIDER
from tests.explore.invariants import broken_by_move, disagreement, incomplete, is_sound, unrest
from tests.explore.moves import RESUMES, SUSPENDS, give_up, moves
from tests.explore.world import Move, Situation, World

REST_LIMIT = 300
# How often a random walk meets with a mishap.
MISHAP_CHANCE = 0.1


@dataclass(slots=True)
class Report:
    """What an exploration has found.

    `whole_up_to`: with so many mishaps nothing was left to explore; -1: not even without any.
    """

    states: int = 0
    visited: int = 0
    documents: int = 0
    rested: int = 0
    seconds: float = 0.0
    whole_up_to: int = -1
    violation: str | None = None
    trace: list[str] = field(default_factory=list[str])

    def __str__(self) -> str:
        told = (
            f"{self.states} distinct states of consumer, provider and network, {self.visited} of them gone on from in "
            f"every way, {self.rested} brought to rest; {self.documents} documents; {self._scope()}; "
            f"{self.seconds:.1f} s"
        )
        return "\n  ".join([told, *([f"VIOLATION: {self.violation}", *self.trace] if self.violation else [])])

    def _scope(self) -> str:
        return f"everything up to {self.whole_up_to} mishaps" if self.whole_up_to >= 0 else "no level is whole"


class Explorer:
    """Explores with the product's decisions, or with others in their place."""

    def __init__(
        self,
        decisions: Mapping[Role, Decide] | None = None,
        *,
        rest_every: int = 50,
        writes_blindly: bool = False,
        only: tuple[str, ...] = ("",),
        pauses: bool = False,
    ) -> None:
        """`only`: the mishaps to try, by parts of their labels. `rest_every`: how many situations to pass over.

        `pauses`: clients suspend and resume, too.
        """
        self.documents = Documents(decisions or real_decisions(), writes_blindly, pauses)
        self._rest_every = rest_every
        self._only = only
        # Who gave up telling the other side may be of another mind than that one.
        self._agrees = pauses and only != ("",)
        self.came_by: dict[Situation, tuple[Situation, str] | None] = {}
        self._levels: list[deque[Situation]] = []
        self._done: set[Situation] = set()

    def explore(self, *, states: int, whole_up_to: int = -1) -> Report:
        """Until so many distinct states are known, and all with up to `whole_up_to` mishaps, or something is broken."""
        begun = time.perf_counter()
        report = Report()
        start = self._start()
        self.came_by = {start: None}
        self._levels = [deque([start])]
        for level in itertools.count():
            if level == len(self._levels) or not self._explore_level(
                level, report, 0 if level <= whole_up_to else states
            ):
                break
            report.whole_up_to = level
        report.states = len(self.came_by)
        report.documents = len(self.documents.known) - 1
        report.seconds = time.perf_counter() - begun
        return report

    def wander(self, *, walks: int, longest: int, seed: int) -> Report:
        """So many random walks of any length, which go deeper than a search can; each is brought to rest in the end."""
        begun = time.perf_counter()
        report, chance = Report(), random.Random(seed)
        start = self._start()
        self.came_by = {start: None}
        for _ in range(walks):
            length = chance.randint(1, longest)
            situation = self._walked(start, length, chance, report)
            report.visited += length
            broken = None if report.violation else self._at_rest(situation)
            if broken:
                self._found(report, broken, situation)
            if report.violation is not None:
                break
            report.rested += 1
        report.states, report.documents = len(self.came_by), len(self.documents.known) - 1
        report.seconds = time.perf_counter() - begun
        return report

    def _walked(self, situation: Situation, length: int, chance: random.Random, report: Report) -> Situation:
        for _ in range(length):
            found = sorted(moves(self.documents, situation), key=lambda move: move.label)
            wanted = [it for it in found if not it.mishaps or any(part in it.label for part in self._only)]
            calm = [it for it in wanted if not it.mishaps]
            if not wanted:
                break
            following = chance.choice(calm if calm and chance.random() > MISHAP_CHANCE else wanted)
            if following.after not in self.came_by:
                self.came_by[following.after] = (situation, following.label)
            broken = broken_by_move(self.documents, situation, following.after)
            situation = following.after
            if broken:
                self._found(report, broken, situation)
                return situation
        return situation

    def _start(self) -> Situation:
        """A transfer that has just been asked for; where clients pause, one that meets with nothing until it flows."""
        start = Situation(self.documents.intern(new_consumer()), 0, World())
        frontier, seen = deque([start]), {start}
        while self.documents.pauses and not self._flows(frontier[0]):
            situation = frontier.popleft()
            for move in sorted(moves(self.documents, situation), key=lambda move: move.label):
                if not move.mishaps and move.after not in seen:
                    seen.add(move.after)
                    frontier.append(move.after)
        return frontier[0]

    def _flows(self, situation: Situation) -> bool:
        sides = [self.documents.at(it) for it in (situation.consumer, situation.provider) if it]
        started = [it.state is TransferState.STARTED for it in sides]
        return started == [True, True] and situation.world.flow == "none"

    def _explore_level(self, level: int, report: Report, states: int) -> bool:
        """Go on from all situations with so many mishaps; False where that was not to the end. 0 states: no limit."""
        frontier = self._levels[level]
        while frontier and report.violation is None and (states == 0 or len(self.came_by) < states):
            self._visit(frontier.popleft(), level, report)
        return not frontier and report.violation is None

    def _visit(self, situation: Situation, level: int, report: Report) -> None:
        if situation in self._done:
            return
        self._done.add(situation)
        report.visited += 1
        for move in moves(self.documents, situation):
            if move.mishaps and not any(part in move.label for part in self._only):
                continue
            self._follow(situation, move, level, report)
            if report.violation is not None:
                return
        if report.visited % self._rest_every == 0:
            report.rested += 1
            broken = self._at_rest(situation)
            if broken:
                self._found(report, broken, situation)

    def _follow(self, situation: Situation, move: Move, level: int, report: Report) -> None:
        after = move.after
        is_new = after not in self.came_by
        if is_new:
            self.came_by[after] = (situation, move.label)
            broken = broken_by_move(self.documents, situation, after)
            if broken:
                self._found(report, broken, after)
                return
        if is_new or (move.mishaps == 0 and after not in self._done):
            while len(self._levels) <= level + move.mishaps:
                self._levels.append(deque())
            self._levels[level + move.mishaps].append(after)

    # --- what it comes to when nothing goes wrong any more ---------------------------------------------------------

    def _at_rest(self, situation: Situation) -> str | None:
        """What is wrong once everything has gone well from here on, and once one side is never heard of again."""
        if self._agrees:
            end = self._calmed(situation, with_time=False, resumes=False)
            broken = "it does not come to rest" if end is None else disagreement(self.documents, end)
            if broken:
                return broken
        if is_sound(self.documents, situation):
            end = self._calmed(situation, with_time=False)
            broken = "it does not come to rest" if end is None else incomplete(self.documents, end)
            if broken:
                return broken
        for gone in ("", CONSUMER, PROVIDER):
            end = self._calmed(situation, gone=gone)
            broken = "it does not come to rest" if end is None else unrest(self.documents, end, gone)
            if broken:
                return f"{broken}, with {gone} gone for good" if gone else broken
        return None

    def _calmed(
        self, situation: Situation, *, with_time: bool = True, gone: str = "", resumes: bool = True
    ) -> Situation | None:
        """Where it ends when nothing goes wrong any more; None where it does not end."""
        seen = {situation}
        for _ in range(REST_LIMIT):
            following = self._next_calm(situation, seen, with_time, gone, resumes=resumes)
            if following is None:
                return situation
            seen.add(following)
            situation = following
        return None

    def _next_calm(
        self, situation: Situation, seen: set[Situation], with_time: bool, gone: str, *, resumes: bool
    ) -> Situation | None:
        """A move that brings it forward: work first, then looks; giving up and deadlines come last."""
        looked: Situation | None = None
        late: Situation | None = None
        for move in moves(self.documents, situation, gone):
            if move.after in seen or move.label.endswith(SUSPENDS if resumes else (SUSPENDS, RESUMES)):
                continue
            if move.label.endswith("is looked at"):
                looked = move.after
            elif move.mishaps == 0:
                return move.after
            elif move.label.endswith("deadline passes"):
                late = move.after
        if looked is not None or not with_time:
            return looked
        given_up = (move.after for move in give_up(self.documents, situation, gone) if move.after not in seen)
        return late or next(given_up, None)

    def _found(self, report: Report, broken: str, situation: Situation) -> None:
        report.violation = broken
        labels: list[str] = []
        came = self.came_by[situation]
        while came is not None:
            situation, label = came
            labels.append(label)
            came = self.came_by[situation]
        report.trace = labels[::-1]
