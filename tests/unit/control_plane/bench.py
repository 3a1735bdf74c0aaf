"""An engine on stores in memory whose every write can be watched, repeated or overtaken."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ferry.adapters.clock import VirtualClock
from ferry.adapters.ids import SequentialIds
from ferry.adapters.memory_queue import MemoryTaskQueue
from ferry.adapters.memory_store import MemoryProcessStore
from ferry.control_plane.engine import Engine, Performer
from ferry.control_plane.engine_rules import Rules
from ferry.control_plane.rules import FlowRules, TransferRules
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import Limits
from ferry.domain.faults import EffectFailed, Fault
from ferry.domain.process import Intent, IntentKind, JsonObject, Process
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.stores import IndexRow, Record
from ferry.ports.work import LookMessage
from tests.unit.control_plane.processes import NOW

JANITOR_SECONDS = 20.0


class WatchedStore[P: Process](MemoryProcessStore[P]):
    """A store that notes what is asked of it, in order.

    `before_replace` runs ahead of a replace, which is how a rival is quicker. `repeats`: every write is sent twice, as
    a client does that has lost the reply.
    """

    def __init__(self, cls: type[P]) -> None:
        super().__init__(cls)
        self.calls: list[str] = []
        self.before_replace: Callable[[], None] | None = None
        self.repeats = False

    def load(self, process_id: str) -> Record[P] | None:
        """Noted."""
        self.calls.append("load")
        return super().load(process_id)

    def insert(self, process: P) -> Record[P]:
        """Noted."""
        return self._written("insert", lambda: super(WatchedStore, self).insert(process))

    def replace(self, record: Record[P], process: P) -> Record[P]:
        """Noted; the rival comes first, once."""
        hook, self.before_replace = self.before_replace, None
        if hook is not None:
            hook()
        return self._written("replace", lambda: super(WatchedStore, self).replace(record, process))

    def announce(self, rows: Sequence[IndexRow]) -> None:
        """Noted."""
        self.calls.append("announce " + ",".join(row.kind.value for row in rows))
        super().announce(rows)

    def withdraw(self, rows: Sequence[IndexRow]) -> None:
        """Noted."""
        self.calls.append("withdraw " + ",".join(row.kind.value for row in rows))
        super().withdraw(rows)

    def relist(self, summary: P, rows: Sequence[IndexRow], gone: Sequence[IndexRow]) -> None:
        """Noted; what one request does is one call."""
        noted = [*self.calls, "relist " + ",".join(row.kind.value for row in (*rows, *gone))]
        super().relist(summary, rows, gone)
        self.calls[:] = noted

    def record(self, process_id: str) -> Record[P]:
        """The document as it lies here, with its ETag."""
        record = super().load(process_id)
        assert record is not None
        return record

    def stored(self, process_id: str) -> P:
        """The document as it lies here."""
        return self.record(process_id).document

    def _written(self, call: str, write: Callable[[], Record[P]]) -> Record[P]:
        """One write, or the same one twice; the store's own reading is not noted."""
        noted = [*self.calls, call]
        try:
            record = write()
            return write() if self.repeats else record
        finally:
            self.calls[:] = noted


@dataclass(slots=True)
class Effects[P: Process]:
    """Effects that succeed with these results, after these faults; `seen` is each call with the stored document."""

    store: WatchedStore[P]
    results: Mapping[IntentKind, JsonObject] = field(default_factory=dict[IntentKind, JsonObject])
    faults: dict[IntentKind, list[Fault]] = field(default_factory=dict[IntentKind, list[Fault]])
    seen: list[tuple[Intent, P]] = field(default_factory=list[tuple[Intent, P]])

    def perform(self, process: P, intent: Intent) -> JsonObject:
        """Fail as long as there are faults, then succeed."""
        self.seen.append((intent, self.store.stored(process.id)))
        waiting = self.faults.get(intent.kind)
        if waiting:
            raise EffectFailed(waiting.pop(0))
        return self.results.get(intent.kind, {})

    @property
    def kinds(self) -> list[IntentKind]:
        """What was performed, in order."""
        return [intent.kind for intent, _ in self.seen]


@dataclass(slots=True)
class Bench[P: Process]:
    """An engine with all that it stands on."""

    clock: VirtualClock
    store: WatchedStore[P]
    queue: MemoryTaskQueue
    effects: Effects[P]
    engine: Engine[P]

    def put(self, process: P) -> Record[P]:
        """A document that lies in the store, with its rows."""
        self.engine.begin(process)
        self.store.calls.clear()
        return self.store.record(process.id)

    def stored(self, process_id: str) -> P:
        """The document as it lies in the store."""
        return self.store.stored(process_id)

    def rows(self) -> list[tuple[str, str, datetime]]:
        """The index rows: kind, state, time."""
        return sorted((row.kind.value, row.state, row.at) for row in self.store.index_rows())

    def pending(self) -> Sequence[LookMessage]:
        """What waits on the queue."""
        return self.queue.pending()


def transfer_bench(
    results: Mapping[IntentKind, JsonObject] | None = None, limits: Limits | None = None
) -> Bench[TransferProcess]:
    """An engine of transfers."""
    store = WatchedStore(TransferProcess)
    effects = Effects[TransferProcess](store, results or {})
    return _bench(store, effects, TransferRules(), dict.fromkeys(IntentKind, effects.perform), limits)


def flow_bench(performers: Mapping[IntentKind, Performer[DataFlow]] | None = None) -> Bench[DataFlow]:
    """An engine of data flows."""
    store = WatchedStore(DataFlow)
    effects = Effects[DataFlow](store)
    made: Mapping[IntentKind, Performer[DataFlow]] = performers or dict.fromkeys(IntentKind, effects.perform)
    return _bench(store, effects, FlowRules(), made, None)


def _bench[P: Process](
    store: WatchedStore[P],
    effects: Effects[P],
    rules: Rules[P],
    performers: Mapping[IntentKind, Performer[P]],
    limits: Limits | None,
) -> Bench[P]:
    clock = VirtualClock(NOW)
    queue = MemoryTaskQueue(clock)
    engine = Engine[P](
        kind="Process",
        store=store,
        queue=queue,
        rules=rules,
        performers=performers,
        clock=clock,
        ids=SequentialIds("op"),
        limits=limits or Limits(),
        janitor_seconds=JANITOR_SECONDS,
    )
    return Bench(clock, store, queue, effects, engine)
