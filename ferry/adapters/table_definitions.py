"""Definitions on Table Storage: one table, a partition for each type, a row for each definition."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ferry.adapters.document_rows import document_row, document_text
from ferry.adapters.stored_text import stored_text
from ferry.adapters.table_keys import encode_key
from ferry.adapters.table_rows import Row, RowChangedError, RowExistsError, Values
from ferry.adapters.tables import Tables
from ferry.domain.codec import from_bytes, from_json
from ferry.domain.contracts import Criterion
from ferry.domain.criteria import check_criteria, select, wanted_id
from ferry.domain.faults import AlreadyExists, NotFound
from ferry.domain.process import JsonObject

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from ferry.adapters.azure_table import AzureTable


class TableDefinitions[D: "DataclassInstance"]:
    """Definitions of one class.

    Every method raises EffectFailed STORAGE_UNAVAILABLE; writing raises InvalidInput for a definition over its limit.
    """

    def __init__(self, tables: Tables, cls: type[D]) -> None:
        self._tables = tables
        self._class = cls

    def get(self, definition_id: str) -> D | None:
        """One point read."""
        row = self._row(definition_id)
        return None if row is None else from_bytes(self._class, document_text(row))

    def create(self, definition_id: str, definition: D) -> None:
        """Insert: one request. Raises AlreadyExists unless the same is there."""
        text = stored_text(definition_id, definition)
        try:
            self._table().insert(self._values(definition_id, text))
        except RowExistsError:
            there = self._row(definition_id)
            if there is None or json.loads(document_text(there)) != json.loads(text):
                raise AlreadyExists(self._class.__name__, definition_id) from None

    def update(self, definition_id: str, definition: D) -> None:
        """Replace: one request. Raises NotFound."""
        text = stored_text(definition_id, definition)
        try:
            self._table().replace(self._values(definition_id, text))
        except RowChangedError:
            raise NotFound(self._class.__name__, definition_id) from None

    def delete(self, definition_id: str) -> None:
        """Remove: one request. Raises NotFound."""
        from ferry.adapters.azure_table import deleting

        try:
            # As a batch, because the SDK's plain deletion does not say whether there was anything to delete.
            self._table().transact([deleting(self._class.__name__, encode_key(definition_id))], create=False)
        except RowChangedError:
            raise NotFound(self._class.__name__, definition_id) from None

    def all(self, *, after: str = "") -> Iterator[D]:
        """Every definition (behind the id `after`), in the order of their ids: one request for each thousand."""
        return (definition for definition, _ in self._scan(after))

    def query(self, criteria: Sequence[Criterion], *, offset: int = 0, limit: int = 50) -> Sequence[D]:
        """Definitions that meet all criteria, in the order of their ids: one point read for a single id, else a scan.

        Raises InvalidInput for an operator that is none.
        """
        check_criteria(criteria)
        only = wanted_id(criteria)
        found = self._scan() if only is None else self._one(only)
        return select(found, criteria, offset, limit)

    def _one(self, definition_id: str) -> Iterator[tuple[D, JsonObject]]:
        row = self._row(definition_id)
        if row is not None:
            yield self._parsed(row)

    def _scan(self, after: str = "") -> Iterator[tuple[D, JsonObject]]:
        rows = self._table().rows(self._class.__name__, after=encode_key(after) if after else "")
        return map(self._parsed, rows)

    def _parsed(self, row: Row) -> tuple[D, JsonObject]:
        document: JsonObject = json.loads(document_text(row))
        return from_json(self._class, document), document

    def _row(self, definition_id: str) -> Row | None:
        return self._table().get(self._class.__name__, encode_key(definition_id))

    def _values(self, definition_id: str, text: bytes) -> Values:
        return document_row(self._class.__name__, encode_key(definition_id), text, {})

    def _table(self) -> "AzureTable":
        return self._tables.table("Definitions")
