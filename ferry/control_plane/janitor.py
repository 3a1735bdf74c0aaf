"""The janitor: the net under all looks. A timer calls it; it reads the index rows that are due, nothing else.

A live process is looked at again; a finished one leaves when its retention is over; a stale row is dropped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ferry.control_plane import index
from ferry.control_plane.engine import Engine
from ferry.domain.process import Process
from ferry.ports import IndexKind, IndexRow, LookMessage

ROWS_PER_ROUND = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Janitor[P: Process]:
    """Looks after the processes of one engine. `on_leave` removes what belongs to a process that leaves."""

    engine: Engine[P]
    on_leave: Callable[[P], None] | None = None

    def round(self) -> tuple[LookMessage, ...]:
        """One round; returns the looks that are due at once."""
        now = self.engine.clock.now()
        looks: list[LookMessage] = []
        for row in self.engine.store.due(now, ROWS_PER_ROUND):
            look = self._visit(row, now)
            if look is not None:
                looks.append(look)
        return tuple(looks)

    def _visit(self, row: IndexRow, now: datetime) -> LookMessage | None:
        store = self.engine.store
        record = store.load(row.process_id)
        process = record.document if record else None
        if process is None or index.is_stale(row, process, self.engine.limits):
            store.withdraw([row])
            return None
        if process.is_settled:
            self._leave(process, row)
            return None
        later = now + timedelta(seconds=self.engine.janitor_seconds)
        moved = IndexRow(IndexKind.DUE, row.process_id, later.replace(microsecond=0))
        if moved != row:
            store.announce([moved])
            store.withdraw([row])
        return LookMessage(self.engine.rules.lane(process), process.id, None, process.trace_parent)

    def _leave(self, process: P, row: IndexRow) -> None:
        """The document goes first: rows that lead nowhere are dropped when they are read."""
        if self.on_leave is not None:
            self.on_leave(process)
        self.engine.store.delete(process.id)
        self.engine.store.withdraw(self._rows_of(process, row))

    def _rows_of(self, process: P, row: IndexRow) -> Sequence[IndexRow]:
        created = process.created_at
        return [
            IndexRow(IndexKind.ALL, process.id, created),
            IndexRow(IndexKind.STATE, process.id, created, process.listed_as),
            row,
        ]
