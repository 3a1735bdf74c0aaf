"""ProcessStore in memory: documents as JSON text, so that what cannot be stored fails here, too."""

import itertools
import json
import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ferry.adapters.index_rows import (
    SUMMARY_LIMIT_BYTES,
    aged_range,
    due_end,
    list_prefix,
    parse_row_key,
    prefix_end,
    row_key,
    start_of,
)
from ferry.adapters.process_documents import conflict, is_own_write, move_history, taken
from ferry.adapters.stored_text import stored_text
from ferry.domain.codec import from_bytes, json_bytes, to_bytes
from ferry.domain.process import JsonObject, Process
from ferry.ports.stores import IndexKind, IndexRow, Listed, Record


@dataclass(frozen=True, slots=True)
class _Stored:
    text: bytes
    etag: str


class MemoryProcessStore[P: Process]:
    """Documents of one class and their index rows; for tests, demonstrations and exploration."""

    def __init__(self, cls: type[P]) -> None:
        self._class = cls
        self._documents: dict[str, _Stored] = {}
        self._history: dict[str, list[bytes]] = {}
        self._keys: list[str] = []
        self._summaries: dict[str, bytes] = {}
        self._etags = itertools.count(1)
        self._lock = threading.RLock()

    def load(self, process_id: str) -> Record[P] | None:
        """The document as it lies here."""
        with self._lock:
            stored = self._documents.get(process_id)
        return Record(from_bytes(self._class, stored.text), stored.etag) if stored else None

    def insert(self, process: P) -> Record[P]:
        """Create the document. Raises AlreadyExists."""
        with self._lock:
            there = self.load(process.id)
            if there is None:
                return self._put(process)
        if is_own_write(there.document, process):
            return there
        raise taken(process)

    def replace(self, record: Record[P], process: P) -> Record[P]:
        """Replace the document if it is still `record`'s. Raises CommitConflict."""
        with self._lock:
            there = self.load(process.id)
            if there is not None and there.etag == record.etag:
                return self._put(process)
        if there is not None and is_own_write(there.document, process, record.document):
            return there
        raise conflict(process)

    def delete(self, process_id: str) -> None:
        """Remove the document and its history."""
        with self._lock:
            self._documents.pop(process_id, None)
            self._history.pop(process_id, None)

    def history(self, process_id: str) -> Sequence[JsonObject]:
        """History lines that have left the document, oldest first."""
        with self._lock:
            return [json.loads(line) for line in self._history.get(process_id, ())]

    def announce(self, rows: Sequence[IndexRow]) -> None:
        """Write index rows."""
        with self._lock:
            for key in map(row_key, rows):
                self._summaries.pop(key, None)
                if not self._has_key(key):
                    insort(self._keys, key)

    def withdraw(self, rows: Sequence[IndexRow]) -> None:
        """Remove index rows."""
        with self._lock:
            for key in map(row_key, rows):
                self._summaries.pop(key, None)
                if self._has_key(key):
                    self._keys.pop(bisect_left(self._keys, key))

    def due(self, until: datetime, limit: int) -> Sequence[IndexRow]:
        """DUE rows up to that time, earliest first."""
        return [parse_row_key(key) for key in self._range(list_prefix(IndexKind.DUE), due_end(until), limit)]

    def aged(self, state: str, created_until: datetime, limit: int) -> Sequence[IndexRow]:
        """STATE rows of processes created up to that time, newest first."""
        return [parse_row_key(key) for key in self._range(*aged_range(state, created_until), limit)]

    def relist(self, summary: P, rows: Sequence[IndexRow], gone: Sequence[IndexRow]) -> None:
        """Write rows that hold the summary and remove others, unless the first of these is not there."""
        with self._lock:
            if self._has_key(row_key(gone[0])):
                self.announce(rows)
                self.withdraw(gone)
                text = to_bytes(summary)
                if len(text) <= SUMMARY_LIMIT_BYTES:
                    self._summaries |= dict.fromkeys(map(row_key, rows), text)

    def listed(
        self, kind: IndexKind, *, state: str = "", after: IndexRow | None = None, limit: int = 50
    ) -> Sequence[Listed[P]]:
        """Rows of STATE or ALL with what they hold, newest first."""
        with self._lock:
            keys = self._range(start_of(kind, state, after), prefix_end(list_prefix(kind, state)), limit)
            return [Listed(parse_row_key(key), self._summary(key)) for key in keys]

    def skip(self, kind: IndexKind, *, state: str = "", count: int) -> IndexRow | None:
        """The `count`-th row of STATE or ALL."""
        prefix = list_prefix(kind, state)
        keys = self._range(prefix, prefix_end(prefix), count)
        return parse_row_key(keys[-1]) if len(keys) == count else None

    def ids(self) -> Sequence[str]:
        """The ids of all documents, in order; for tests that look for orphans."""
        with self._lock:
            return sorted(self._documents)

    def index_rows(self) -> Sequence[IndexRow]:
        """All index rows, stale ones included; for tests that look for orphans."""
        with self._lock:
            return [parse_row_key(key) for key in self._keys]

    def _put(self, process: P) -> Record[P]:
        document, moved = move_history(process)
        stored = _Stored(stored_text(process.id, document), f'W/"{next(self._etags)}"')
        if moved is not None:
            self._history.setdefault(process.id, []).extend(json_bytes(line) for line in moved.lines)
        self._documents[process.id] = stored
        return Record(document, stored.etag)

    def _summary(self, key: str) -> P | None:
        text = self._summaries.get(key)
        return None if text is None else from_bytes(self._class, text)

    def _has_key(self, key: str) -> bool:
        place = bisect_left(self._keys, key)
        return place < len(self._keys) and self._keys[place] == key

    def _range(self, after: str, end: str, limit: int) -> Sequence[str]:
        with self._lock:
            first, last = bisect_right(self._keys, after), bisect_left(self._keys, end)
            return self._keys[first : min(last, first + limit)]
