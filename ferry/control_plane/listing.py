"""Lists of processes, served from index rows: nothing scans the documents."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

from ferry.control_plane import index
from ferry.control_plane.engine import Engine
from ferry.domain.process import Process
from ferry.ports import IndexKind, IndexRow

PAGE_ROWS = 100
LIVE_LIMIT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing[P: Process]:
    """Lists the processes of one engine, newest first."""

    engine: Engine[P]

    def page(self, *, state: str | None = None, offset: int = 0, limit: int = 50) -> list[P]:
        """Processes in that state (or all), newest first."""
        return list(islice(self.stream(state), offset, offset + limit))

    def stream(self, state: str | None = None) -> Iterator[P]:
        """Processes in that state (or all), newest first, loaded as they are taken.

        A state that is not final has no list of its own: the janitor's rows lead to all processes that are alive.
        """
        if state is not None and state not in self.engine.rules.final_states:
            found = [process for process in self._loaded(self._alive()) if process.state_name == state]
            yield from sorted(found, key=lambda process: process.created_at, reverse=True)
        else:
            kind = IndexKind.ALL if state is None else IndexKind.STATE
            yield from self._loaded(self._rows(kind, state or ""))

    def _loaded(self, rows: Iterator[IndexRow]) -> Iterator[P]:
        for row in rows:
            record = self.engine.store.load(row.process_id)
            process = record.document if record else None
            if process is not None and not index.is_stale(row, process):
                yield process
            elif index.is_droppable(row, process, self.engine.clock.now()):
                self.engine.store.withdraw([row])

    def _alive(self) -> Iterator[IndexRow]:
        """The janitor moves each row at most one interval ahead."""
        horizon = self.engine.clock.now() + timedelta(seconds=2 * self.engine.janitor_seconds + 1)
        seen: set[str] = set()
        for row in self.engine.store.due(horizon, LIVE_LIMIT):
            if row.process_id not in seen:
                seen.add(row.process_id)
                yield row

    def _rows(self, kind: IndexKind, state: str) -> Iterator[IndexRow]:
        after: str | None = None
        while True:
            page = self.engine.store.rows(kind, state=state, after=after, limit=PAGE_ROWS)
            yield from page.rows
            after = page.next_cursor
            if after is None:
                return
