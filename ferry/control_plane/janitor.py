"""The janitor: the net under all looks. A timer calls it; it reads the index rows that are due, nothing else.

A process that is not settled is looked at again; a stale row is dropped. Once an hour those whose retention is over
leave.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ferry.control_plane import index
from ferry.control_plane.engine import Engine
from ferry.domain.process import Process
from ferry.ports.stores import IndexKind, IndexRow
from ferry.ports.work import LookMessage
from ferry.telemetry import meters

ROWS_PER_ROUND = 200
HOUR_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Janitor[P: Process]:
    """Looks after the processes of one engine.

    `may_leave` is asked before a process leaves, and removes what belongs to it; False keeps it.
    """

    engine: Engine[P]
    may_leave: Callable[[P], bool] | None = None

    def round(self) -> tuple[LookMessage, ...]:
        """One round; returns the looks that are due at once."""
        now = self.engine.clock.now()
        rows = self.engine.store.due(now, ROWS_PER_ROUND)
        live: list[P] = []
        looks = {row: look for row in rows if (look := self._visit(row, live)) is not None}
        oldest = min((process.created_at for process in live), default=now)
        meters.tell(meters.OLDEST, (now - oldest).total_seconds(), kind=self.engine.kind)
        if len(rows) == ROWS_PER_ROUND:
            self._put_back(list(looks), now)
        if now.timestamp() % HOUR_SECONDS < self.engine.janitor_seconds:
            self.sweep()
        return tuple(looks.values())

    def sweep(self) -> None:
        """Let those leave whose retention is over."""
        retention = timedelta(seconds=self.engine.limits.retention_seconds)
        now = self.engine.clock.now()
        for state in sorted(self.engine.rules.final_states):
            for row in self.engine.store.aged(state, now - retention, ROWS_PER_ROUND):
                self._leave(row, now - retention)

    def _visit(self, row: IndexRow, live: list[P]) -> LookMessage | None:
        """The look at a process that is not settled. Its row stays, for the looks of this round may yet be lost."""
        store = self.engine.store
        record = store.load(row.process_id)
        process = record.document if record else None
        if process is None:
            store.withdraw([row])
            return None
        if process.is_settled:
            index.list_settled(store, process, row)
            return None
        live.append(process)
        return LookMessage(self.engine.rules.lane(process), process.id, None, process.trace_parent)

    def _put_back(self, rows: Sequence[IndexRow], now: datetime) -> None:
        """Let others come first in the next round: there may be more than one round can visit."""
        later = (now + timedelta(seconds=self.engine.janitor_seconds)).replace(microsecond=0)
        moved = [IndexRow(IndexKind.DUE, row.process_id, later) for row in rows]
        self.engine.store.announce(moved)
        self.engine.store.withdraw([row for row in rows if row not in moved])

    def _leave(self, row: IndexRow, ended_until: datetime) -> None:
        store = self.engine.store
        record = store.load(row.process_id)
        process = record.document if record else None
        if process is None or index.is_stale(row, process):
            if index.is_droppable(row, process, self.engine.clock.now()):
                self._withdraw(row)
            return
        if not process.is_settled or process.state_at > ended_until:
            return
        if self.may_leave is None or self.may_leave(process):
            index.forget(store, process)

    def _withdraw(self, row: IndexRow) -> None:
        """Take the row of a process that has left out of all lists."""
        self.engine.store.withdraw([row, IndexRow(IndexKind.ALL, row.process_id, row.at)])
