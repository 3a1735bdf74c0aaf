"""Lists of processes, newest first, served from index rows: nothing scans the documents.

A settled process is shown from its row. Of live ones the documents are read: in the list of all those on the page, in
the list of a state every one, for only its document knows the state. (Design: indexes.)
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import merge
from itertools import islice

from ferry.control_plane import index
from ferry.control_plane.engine import Engine
from ferry.domain.process import Process
from ferry.ports.stores import IndexKind, IndexRow, Listed

ROWS_PER_REQUEST = 1000
LIVE_LIMIT = 10_000
# Documents that are read at the same time.
READERS = 8


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list: behind the process of that time and id."""

    created_at: datetime
    id: str


def position_of(process: Process) -> Position:
    """Where the process stands."""
    return Position(process.created_at, process.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing[P: Process]:
    """Lists the processes of one engine."""

    engine: Engine[P]

    def page(
        self, *, state: str | None = None, offset: int = 0, limit: int = 50, after: Position | None = None
    ) -> list[P]:
        """Processes in that state (or all): those behind a position, or those behind so many."""
        if after is not None or not offset:
            return list(islice(self.stream(state, after=after, expected=limit), limit))
        if state is None:
            skipped = self.engine.store.skip(IndexKind.ALL, count=offset)
            behind = None if skipped is None else Position(skipped.at, skipped.process_id)
            return [] if behind is None else list(islice(self.stream(after=behind, expected=limit), limit))
        return self._page_of_state(state, offset, limit)

    def stream(
        self, state: str | None = None, *, after: Position | None = None, expected: int = ROWS_PER_REQUEST
    ) -> Iterator[P]:
        """Processes in that state (or all) behind a position. `expected`: how many are going to be taken."""
        if state is None:
            return self._shown(self._rows(IndexKind.ALL, "", after, expected))
        return self._stream_of_state(state, self._alive(), after, expected)

    def _stream_of_state(self, state: str, alive: Sequence[P], after: Position | None, expected: int) -> Iterator[P]:
        """Live ones of that state among settled ones. What its document says counts, where there is one at hand."""
        led = {process.id for process in alive}
        behind = None if after is None else _order(after)
        own = [it for it in alive if it.state_name == state and (behind is None or _order(position_of(it)) > behind)]
        if state not in self.engine.rules.final_states:
            return iter(own)
        rows = (it for it in self._rows(IndexKind.STATE, state, after, expected) if it.row.process_id not in led)
        return merge(own, self._shown(rows), key=lambda process: _order(position_of(process)))

    def _page_of_state(self, state: str, offset: int, limit: int) -> list[P]:
        """Behind so many: the rows that cannot be on the page whatever lives are passed over by their keys."""
        alive = self._alive()
        certain = offset - len(alive)
        skipped = self.engine.store.skip(IndexKind.STATE, state=state, count=certain) if certain > 0 else None
        if certain > 0 and skipped is None:
            return list(islice(self._stream_of_state(state, alive, None, ROWS_PER_REQUEST), offset, offset + limit))
        if skipped is None:
            return list(islice(self._stream_of_state(state, alive, None, offset + limit), offset, offset + limit))
        behind = Position(skipped.at, skipped.process_id)
        passed = sum(it.state_name == state and _order(position_of(it)) <= _order(behind) for it in alive)
        left = offset - certain - passed
        rest = self._stream_of_state(state, alive, behind, left + limit)
        return list(islice(rest, left, left + limit))

    def _shown(self, rows: Iterator[Listed[P]]) -> Iterator[P]:
        """What the rows hold; the document where they hold nothing. A row that leads nowhere is dropped."""
        store, now = self.engine.store, self.engine.clock.now
        for listed in rows:
            if listed.summary is not None:
                yield listed.summary
                continue
            record = store.load(listed.row.process_id)
            process = record.document if record else None
            if process is not None and not index.is_stale(listed.row, process):
                yield process
            elif index.is_droppable(listed.row, process, now()):
                store.withdraw([listed.row])

    def _alive(self) -> list[P]:
        """All that DUE rows lead to, newest first: live ones, and settled ones that are not listed yet.

        The janitor moves each row at most one interval ahead.
        """
        store, now = self.engine.store, self.engine.clock.now()
        horizon = now + timedelta(seconds=2 * self.engine.janitor_seconds + 1)
        ids = dict.fromkeys(row.process_id for row in store.due(horizon, LIVE_LIMIT))
        with ThreadPoolExecutor(READERS) as pool:
            found = [record.document for record in pool.map(store.load, ids) if record is not None]
        return sorted(found, key=lambda process: _order(position_of(process)))

    def _rows(self, kind: IndexKind, state: str, after: Position | None, expected: int) -> Iterator[Listed[P]]:
        last = None if after is None else IndexRow(kind, after.id, after.created_at, state)
        size = min(expected, ROWS_PER_REQUEST)
        while True:
            found = self.engine.store.listed(kind, state=state, after=last, limit=size)
            yield from found
            if len(found) < size:
                return
            last, size = found[-1].row, ROWS_PER_REQUEST


def _order(position: Position) -> tuple[float, str]:
    """Sorts as the rows do: newest first, then by id."""
    return (-position.created_at.timestamp(), position.id)
