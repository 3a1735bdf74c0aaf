"""All orders of looks at one waiting transfer, on the real engine: early, late, repeated and lost ones.

Only the look with the document's number leads to another one, and there is one of it. So looks cannot multiply, and
those that were overtaken do nothing at all.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ferry.adapters.clock import VirtualClock
from ferry.adapters.ids import SequentialIds
from ferry.adapters.memory_queue import MemoryTaskQueue
from ferry.adapters.memory_store import MemoryProcessStore
from ferry.control_plane import consumer_decisions
from ferry.control_plane.engine import Engine
from ferry.control_plane.rules import TransferRules
from ferry.domain.decision import Limits, Look
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import Intent, IntentKind, JsonObject
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.work import LookMessage
from tests.explore.documents import NOW, moment, order


class NotedQueue(MemoryTaskQueue):
    """A queue that says when which look becomes visible."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.noted: list[tuple[datetime, LookMessage]] = []
        self._time = clock

    def send(self, message: LookMessage, *, delay_seconds: float) -> None:
        """Sent, and noted."""
        super().send(message, delay_seconds=delay_seconds)
        self.noted.append((self._time.now() + timedelta(seconds=delay_seconds), message))


@dataclass(frozen=True, slots=True)
class Waiting:
    """A moment of a transfer that waits for its data: its document, the looks in the queue, the time."""

    process: TransferProcess
    queued: tuple[tuple[datetime, LookMessage], ...] = ()
    now: datetime = NOW
    repeats: int = 0


@dataclass(slots=True)
class LookReport:
    """What the search has seen, and what was wrong, with the way to it."""

    handled: int = 0
    violation: str | None = None
    trace: list[str] = field(default_factory=list[str])


class Looks:
    """Searches to a depth, with the engine or with a broken one in its place."""

    def __init__(self, engine: type[Engine[TransferProcess]] = Engine) -> None:
        self._engine = engine
        self._performed = 0
        self._is_away = False
        self.report = LookReport()

    def search(self, depth: int) -> LookReport:
        """Every order of so many moves."""
        process = consumer_decisions.initiate(order(), moment())
        waiting = replace(process, state=TransferState.STARTED, intents=(), correlation_id="provider-pid")
        self._go_on(Waiting(waiting), depth, [])
        return self.report

    def _go_on(self, at: Waiting, depth: int, trace: list[str]) -> None:
        if depth == 0:
            return
        for label, after, broken in self._moves(at):
            if broken is not None:
                self.report.violation, self.report.trace = broken, [*trace, label]
            if self.report.violation is not None:
                return
            self._go_on(after, depth - 1, [*trace, label])

    def _moves(self, at: Waiting) -> Iterator[tuple[str, Waiting, str | None]]:
        yield "seven seconds pass", replace(at, now=at.now + timedelta(seconds=7)), None
        yield "the janitor looks", *self._handled(at, None)
        for number, (visible_at, look) in enumerate(at.queued):
            later = replace(at, now=max(at.now, visible_at))
            taken = replace(later, queued=(*at.queued[:number], *at.queued[number + 1 :]))
            name = f"look {look.epoch}"
            yield f"{name} comes", *self._handled(taken, look.epoch)
            yield f"{name} comes while storage is away", *self._handled(taken, look.epoch, is_away=True)
            yield f"{name} is lost", taken, None
            if at.repeats == 0:
                yield f"{name} comes, and will come again", *self._handled(replace(later, repeats=1), look.epoch)

    def _handled(self, at: Waiting, epoch: int | None, *, is_away: bool = False) -> tuple[Waiting, str | None]:
        """The engine handles a look, and what is wrong with how it did."""
        self.report.handled += 1
        clock = VirtualClock(at.now)
        store, queue = MemoryProcessStore(TransferProcess), NotedQueue(clock)
        store.insert(at.process)
        engine = self._engine(
            kind="TransferProcess",
            store=store,
            queue=queue,
            rules=TransferRules(),
            performers={IntentKind.VERIFY_DELIVERY: self._verify},
            clock=clock,
            ids=SequentialIds("consumer"),
            limits=Limits(),
            janitor_seconds=20.0,
        )
        self._performed, self._is_away = 0, is_away
        engine.handle(at.process.id, Look(epoch), budget_seconds=1.0)
        after = replace(at, process=engine.load(at.process.id), queued=(*at.queued, *queue.noted), now=clock.now())
        return after, self._fault(at, epoch, after)

    def _fault(self, before: Waiting, epoch: int | None, after: Waiting) -> str | None:
        """What a handled look has done that it must not do."""
        known = before.process.look.epoch if before.process.look else 0
        has_acted = after.process != before.process or after.queued != before.queued or self._performed > 0
        if epoch is not None and epoch < known and has_acted:
            return f"look {epoch} did something, although {known} was under way"
        current = after.process.look.epoch if after.process.look else 0
        copies = sum(look.epoch == current for _, look in after.queued)
        if copies > 1 + after.repeats:
            return f"look {current} is {copies} times under way"
        return None

    def _verify(self, process: TransferProcess, intent: Intent) -> JsonObject:
        del process, intent
        self._performed += 1
        if self._is_away:
            raise EffectFailed.because(FaultCode.DESTINATION_UNAVAILABLE, "away", retryable=True)
        return {"outcome": "absent"}
