"""ProcessStore on Table Storage (design: one document per process, indexes before commits).

A process is a partition: the row `doc`, and a row `h|<first line>` for each time that its history overflowed. Loading
is one point read, a commit one conditional replace.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched
from typing import TYPE_CHECKING

from ferry.adapters.document_rows import document_row, document_text
from ferry.adapters.index_rows import parse_row_key
from ferry.adapters.process_documents import MovedLines, conflict, is_own_write, move_history, taken
from ferry.adapters.stored_text import stored_text
from ferry.adapters.table_index import TableIndex, remove_rows
from ferry.adapters.table_keys import encode_key
from ferry.adapters.table_rows import BATCH_LIMIT, Row, RowChangedError, RowExistsError, Values
from ferry.adapters.tables import Tables
from ferry.domain.codec import from_bytes, json_bytes, to_bytes
from ferry.domain.process import JsonObject, Process
from ferry.ports.stores import IndexKind, IndexRow, Listed, Record

if TYPE_CHECKING:
    from ferry.adapters.azure_table import AzureTable

_DOCUMENT = "doc"
_HISTORY, _HISTORY_END = "h|", "h}"


@dataclass(frozen=True, slots=True)
class _Commit:
    """A document on its way into the store, with the history that leaves it."""

    partition: str
    row: Values
    history: Values | None


class TableProcessStore[P: Process]:
    """Documents of one class in a table of their own, and their partition of the index table.

    Every method raises EffectFailed STORAGE_UNAVAILABLE; writing raises InvalidInput for a document over its limit.
    """

    def __init__(self, tables: Tables, cls: type[P]) -> None:
        self._tables = tables
        self._class = cls
        self._index = TableIndex(tables, cls.__name__)

    def load(self, process_id: str) -> Record[P] | None:
        """One point read."""
        row = self._table().get(encode_key(process_id), _DOCUMENT)
        return None if row is None else self._record(row)

    def insert(self, process: P) -> Record[P]:
        """Create the document: one request. Raises AlreadyExists."""
        document, moved = move_history(process)
        try:
            etag = self._insert(self._commit(document, moved))
        except RowExistsError:
            there = self.load(process.id)
            if there is not None and is_own_write(there.document, process):
                return there
            raise taken(process) from None
        return Record(document, etag)

    def replace(self, record: Record[P], process: P) -> Record[P]:
        """Replace the document if it is still `record`'s: one request. Raises CommitConflict."""
        document, moved = move_history(process)
        try:
            etag = self._replace(self._commit(document, moved), record.etag)
        except RowChangedError:
            there = self.load(process.id)
            if there is not None and is_own_write(there.document, process, record.document):
                return there
            raise conflict(process) from None
        return Record(document, etag)

    def delete(self, process_id: str) -> None:
        """Remove the document and its history: two requests."""
        partition = encode_key(process_id)
        # In order of keys the document comes first; as the last to go it lets a deletion that broke off be repeated.
        keys = self._table().keys(partition)[::-1]
        for some in batched(keys, BATCH_LIMIT, strict=False):
            remove_rows(self._table(), partition, some)

    def history(self, process_id: str) -> Sequence[JsonObject]:
        """History lines that have left the document, oldest first."""
        rows = self._table().rows(encode_key(process_id), after=_HISTORY, before=_HISTORY_END)
        return [line for row in rows for line in json.loads(document_text(row))]

    def announce(self, rows: Sequence[IndexRow]) -> None:
        """Write index rows: one request for up to a hundred."""
        self._index.announce(rows)

    def withdraw(self, rows: Sequence[IndexRow]) -> None:
        """Remove index rows: one request for up to a hundred, if all of them are there."""
        self._index.withdraw(rows)

    def due(self, until: datetime, limit: int) -> Sequence[IndexRow]:
        """DUE rows up to that time, earliest first: one request for up to a thousand."""
        return self._index.due(until, limit)

    def aged(self, state: str, created_until: datetime, limit: int) -> Sequence[IndexRow]:
        """STATE rows of processes created up to that time, newest first: one request for up to a thousand."""
        return self._index.aged(state, created_until, limit)

    def relist(self, summary: P, rows: Sequence[IndexRow], gone: Sequence[IndexRow]) -> None:
        """Write rows that hold the summary and remove others: one request."""
        self._index.relist(to_bytes(summary), rows, gone)

    def listed(
        self, kind: IndexKind, *, state: str = "", after: IndexRow | None = None, limit: int = 50
    ) -> Sequence[Listed[P]]:
        """Rows of STATE or ALL with what they hold, newest first: one request for up to a thousand."""
        return [self._listed(row) for row in self._index.listed(kind, state, after, limit)]

    def skip(self, kind: IndexKind, *, state: str = "", count: int) -> IndexRow | None:
        """The `count`-th row of STATE or ALL: one request for each thousand."""
        return self._index.skip(kind, state, count)

    def _listed(self, row: Row) -> Listed[P]:
        text = document_text(row)
        return Listed(parse_row_key(row.key), from_bytes(self._class, text) if text else None)

    def _insert(self, commit: _Commit) -> str:
        from ferry.adapters.azure_table import inserting, putting

        if commit.history is None:
            return self._table().insert(commit.row)
        return self._table().transact([inserting(commit.row), putting(commit.history)])[0]

    def _replace(self, commit: _Commit, etag: str) -> str:
        from ferry.adapters.azure_table import putting, replacing

        if commit.history is None:
            return self._table().replace(commit.row, etag)
        return self._table().transact([replacing(commit.row, etag), putting(commit.history)])[0]

    def _commit(self, document: P, moved: MovedLines | None) -> _Commit:
        partition = encode_key(document.id)
        row = document_row(partition, _DOCUMENT, stored_text(document.id, document), _columns(document))
        if moved is None:
            return _Commit(partition, row, None)
        text = json_bytes(moved.lines)
        return _Commit(partition, row, document_row(partition, f"{_HISTORY}{moved.first:010d}", text, {}))

    def _record(self, row: Row) -> Record[P]:
        return Record(from_bytes(self._class, document_text(row)), row.etag)

    def _table(self) -> "AzureTable":
        ending = "es" if self._class.__name__.endswith("s") else "s"
        return self._tables.table(f"{self._class.__name__}{ending}")


def _columns(document: Process) -> dict[str, str | int]:
    peer = getattr(document, "counter_party_id", None) or getattr(document, "participant_id", "")
    return {
        "type": str(getattr(document, "role", type(document).__name__)),
        "state": document.state_name,
        "created": document.created_at.isoformat(),
        "peer": str(peer),
        "revision": document.revision,
        "operation_id": document.operation_id,
    }
