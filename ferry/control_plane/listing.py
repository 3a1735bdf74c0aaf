"""Lists of processes, served from index rows: nothing scans the documents."""

from collections.abc import Iterator
from dataclasses import dataclass

from ferry.control_plane import index
from ferry.control_plane.engine import Engine
from ferry.domain.process import Process
from ferry.ports import IndexKind, IndexRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing[P: Process]:
    """Lists the processes of one engine, newest first."""

    engine: Engine[P]
    final_states: frozenset[str]

    def page(self, *, state: str | None = None, offset: int = 0, limit: int = 50) -> list[P]:
        """Processes in that state (or all), newest first."""
        found: list[P] = []
        skipped = 0
        for row in self._rows(state):
            record = self.engine.store.load(row.process_id)
            process = record.document if record else None
            if process is None or index.is_stale(row, process, self.engine.limits):
                self.engine.store.withdraw([row])
                continue
            if state is not None and process.state_name != state:
                continue
            if skipped < offset:
                skipped += 1
                continue
            found.append(process)
            if len(found) == limit:
                break
        return found

    def _rows(self, state: str | None) -> Iterator[IndexRow]:
        kind, listed = IndexKind.ALL, ""
        if state is not None:
            kind, listed = (IndexKind.STATE, state) if state in self.final_states else (IndexKind.LIVE, "")
        after: str | None = None
        while True:
            page = self.engine.store.rows(kind, state=listed, after=after, limit=100)
            yield from page.rows
            after = page.next_cursor
            if after is None:
                return
