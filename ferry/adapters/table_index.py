"""The index of one type of processes: one partition of the index table, read by ranges of its row keys."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import batched, islice
from typing import TYPE_CHECKING

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
from ferry.adapters.table_rows import BATCH_LIMIT, Row, RowChangedError
from ferry.adapters.tables import Tables
from ferry.ports.stores import IndexKind, IndexRow

if TYPE_CHECKING:
    from ferry.adapters.azure_table import AzureTable


class TableIndex:
    """Index rows of the processes of one class."""

    def __init__(self, tables: Tables, partition: str) -> None:
        self._tables = tables
        self._partition = partition

    def announce(self, rows: Sequence[IndexRow]) -> None:
        """Write rows: one request for up to a hundred."""
        for keys in batched(dict.fromkeys(map(row_key, rows)), BATCH_LIMIT, strict=False):
            entities = [{"PartitionKey": self._partition, "RowKey": key} for key in keys]
            if len(entities) == 1:
                self._table().put({**entities[0]})
            else:
                self._put_all(entities)

    def withdraw(self, rows: Sequence[IndexRow]) -> None:
        """Remove rows: one request for up to a hundred, and one more for each that is not there."""
        for keys in batched(dict.fromkeys(map(row_key, rows)), BATCH_LIMIT, strict=False):
            remove_rows(self._table(), self._partition, keys)

    def due(self, until: datetime, limit: int) -> Sequence[IndexRow]:
        """DUE rows up to that time, earliest first."""
        return [parse_row_key(key) for key in self._keys(list_prefix(IndexKind.DUE), due_end(until), limit)]

    def aged(self, state: str, created_until: datetime, limit: int) -> Sequence[IndexRow]:
        """STATE rows of processes that were created up to that time, newest first."""
        start, end = aged_range(state, created_until)
        return [parse_row_key(key) for key in self._keys(start, end, limit)]

    def listed(self, kind: IndexKind, state: str, after: IndexRow | None, limit: int) -> Iterator[Row]:
        """Rows of one list, newest first, with what they hold."""
        start, end = start_of(kind, state, after), prefix_end(list_prefix(kind, state))
        return islice(self._table().rows(self._partition, after=start, before=end, page_size=limit), limit)

    def skip(self, kind: IndexKind, state: str, count: int) -> IndexRow | None:
        """The `count`-th row of one list, by keys alone."""
        prefix = list_prefix(kind, state)
        keys = self._keys(prefix, prefix_end(prefix), count)
        return parse_row_key(keys[-1]) if len(keys) == count else None

    def relist(self, text: bytes, rows: Sequence[IndexRow], gone: Sequence[IndexRow]) -> None:
        """Write rows that hold the text and remove others in one request, and one more for each that is not there.

        Nothing happens where the first of `gone` is not there.
        """
        from ferry.adapters.azure_table import deleting, putting

        columns = {} if len(text) > SUMMARY_LIMIT_BYTES else {"d0": text}
        puts = [putting({"PartitionKey": self._partition, "RowKey": row_key(row), **columns}) for row in rows]
        left = [deleting(self._partition, row_key(row)) for row in gone]
        while left:
            try:
                self._table().transact([*left, *puts], create=False)
            except RowChangedError as error:
                if error.position == 0 or error.position >= len(left):
                    return
                left.pop(error.position)
            else:
                return

    def _put_all(self, entities: Sequence[dict[str, str]]) -> None:
        from ferry.adapters.azure_table import putting

        self._table().transact([putting({**entity}) for entity in entities])

    def _keys(self, after: str, before: str, limit: int) -> Sequence[str]:
        return self._table().keys(self._partition, after=after, before=before, limit=limit)

    def _table(self) -> "AzureTable":
        return self._tables.table("Index")


def remove_rows(table: "AzureTable", partition: str, keys: Sequence[str]) -> None:
    """Remove up to a hundred rows of a partition at once.

    The service refuses the whole batch for one row that is missing and says which; so it is tried again without it.
    """
    from ferry.adapters.azure_table import deleting

    left = list(keys)
    while len(left) > 1:
        try:
            table.transact([deleting(partition, key) for key in left], create=False)
        except RowChangedError as error:
            left.pop(min(error.position, len(left) - 1))
        else:
            return
    for key in left:
        table.delete(partition, key)
