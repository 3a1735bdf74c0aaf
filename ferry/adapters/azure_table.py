"""One table of Table Storage as the stores use it: few kinds of requests, made on demand, errors of our own.

Importing this module imports the SDK.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol, cast

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.data.tables import TableClient, TableEntity, TableTransactionError, UpdateMode

from ferry.adapters.azure_pipeline import failures_as
from ferry.adapters.table_rows import Row, RowChangedError, RowExistsError, Values
from ferry.domain.faults import FaultCode

type Change = tuple[str, Values, dict[str, Any]]

_PAGE_SIZE = 1000
# All our requests may be repeated, inserts and batches too: a lost reply is recognised by what it left behind.
_REPEATABLE = {"retry_on_methods": frozenset({"GET", "PUT", "POST", "DELETE"})}
_FILTERS = {"partition": "PartitionKey eq @partition", "after": "RowKey gt @after", "before": "RowKey lt @before"}


class _Client(Protocol):
    """What is used of the SDK's TableClient, whose own options have no types."""

    def get_entity(self, partition_key: str, row_key: str) -> Mapping[str, object]: ...
    def create_entity(self, entity: Values, **options: object) -> Mapping[str, object]: ...
    def upsert_entity(self, entity: Values, mode: UpdateMode) -> Mapping[str, object]: ...
    def update_entity(self, entity: Values, mode: UpdateMode, **options: object) -> Mapping[str, object]: ...
    def delete_entity(self, partition_key: str, row_key: str) -> None: ...
    def submit_transaction(self, operations: Sequence[Change], **options: object) -> list[Mapping[str, object]]: ...
    def query_entities(self, query_filter: str, **options: object) -> Iterator[Mapping[str, object]]: ...
    def create_table(self) -> object: ...


class AzureTable:
    """One table. A table that does not exist is empty; the first row to be written creates it.

    Every method raises EffectFailed STORAGE_UNAVAILABLE where the service does not answer as it should.
    """

    def __init__(self, client: TableClient) -> None:
        self.name = client.table_name
        self._client = cast("_Client", client)

    def get(self, partition: str, key: str) -> Row | None:
        """One row."""
        with failures_as(FaultCode.STORAGE_UNAVAILABLE, f"reading table {self.name}"):
            try:
                return _row(self._client.get_entity(partition, key))
            except ResourceNotFoundError:
                return None

    def insert(self, values: Values) -> str:
        """Write a new row; returns its etag. Raises RowExistsError."""
        options = {"response_preference": "return-no-content", **_REPEATABLE}
        return self._write(lambda: _etag(self._client.create_entity(values, **options)))

    def put(self, values: Values) -> str:
        """Write a row whether it is there or not; returns its etag."""
        return self._write(lambda: _etag(self._client.upsert_entity(values, UpdateMode.REPLACE)))

    def replace(self, values: Values, etag: str | None = None) -> str:
        """Write a row that is there and, with an etag, is still as it was read. Raises RowChangedError."""
        return self._write(
            lambda: _etag(self._client.update_entity(values, UpdateMode.REPLACE, **_unchanged(etag))), create=False
        )

    def delete(self, partition: str, key: str) -> None:
        """Remove a row; a missing one is fine."""
        self._write(lambda: self._client.delete_entity(partition, key), create=False)

    def transact(self, changes: Sequence[Change], *, create: bool = True) -> Sequence[str]:
        """Up to 100 changes of one partition, all or none; returns their etags. Raises as `insert` and `replace`."""
        return self._write(
            lambda: [_etag(done) for done in self._client.submit_transaction(changes, **_REPEATABLE)], create=create
        )

    def rows(self, partition: str, *, after: str = "", before: str = "", page_size: int = _PAGE_SIZE) -> Iterator[Row]:
        """The rows of a partition between two keys (both exclusive; empty: no bound), in order, page by page."""
        options: dict[str, object] = {"results_per_page": max(1, min(page_size, _PAGE_SIZE))}
        return map(_row, self._scan(_bounds(partition, after, before), options))

    def keys(self, partition: str, *, after: str = "", before: str = "", limit: int | None = None) -> list[str]:
        """The first row keys of a partition between two keys (both exclusive; empty: no bound), in order."""
        page_size = _PAGE_SIZE if limit is None else max(1, min(limit, _PAGE_SIZE))
        options: dict[str, object] = {"results_per_page": page_size, "select": ["RowKey"]}
        found = self._scan(_bounds(partition, after, before), options)
        return [str(entity["RowKey"]) for entity in islice(found, limit)]

    def _scan(self, bounds: Mapping[str, str], options: dict[str, object]) -> Iterator[Mapping[str, object]]:
        query = " and ".join(_FILTERS[name] for name in bounds)
        with failures_as(FaultCode.STORAGE_UNAVAILABLE, f"reading table {self.name}"):
            try:
                yield from self._client.query_entities(query, parameters=bounds, **options)
            except ResourceNotFoundError:
                return

    def _write[T](self, write: Callable[[], T], *, create: bool = True) -> T:
        with failures_as(FaultCode.STORAGE_UNAVAILABLE, f"writing to table {self.name}"):
            try:
                return write()
            except HttpResponseError as error:
                if not (create and _is_table_missing(error)):
                    raise _own(error) from error
            self._create_table()
            try:
                return write()
            except HttpResponseError as error:
                raise _own(error) from error

    def _create_table(self) -> None:
        try:
            self._client.create_table()
        except HttpResponseError as error:
            if "TableAlreadyExists" not in _code(error):
                raise


def inserting(values: Values) -> Change:
    """A change of a batch: write a new row."""
    return ("create", values, {})


def putting(values: Values) -> Change:
    """A change of a batch: write a row whether it is there or not."""
    return ("upsert", values, {"mode": UpdateMode.REPLACE})


def replacing(values: Values, etag: str) -> Change:
    """A change of a batch: replace a row that is still as it was read."""
    return ("update", values, {"mode": UpdateMode.REPLACE, **_unchanged(etag)})


def deleting(partition: str, key: str) -> Change:
    """A change of a batch: remove a row that is there."""
    return ("delete", {"PartitionKey": partition, "RowKey": key}, {})


def _bounds(partition: str, after: str, before: str) -> Mapping[str, str]:
    bounds = {"partition": partition, "after": after, "before": before}
    return {name: value for name, value in bounds.items() if value}


def _row(entity: Mapping[str, object]) -> Row:
    return Row(str(entity["RowKey"]), str(cast("TableEntity", entity).metadata["etag"]), entity)


def _etag(answer: Mapping[str, object]) -> str:
    return str(answer.get("etag", ""))


def _unchanged(etag: str | None) -> dict[str, object]:
    return {} if etag is None else {"etag": etag, "match_condition": MatchConditions.IfNotModified}


def _code(error: HttpResponseError) -> str:
    """The service's own code; of an insert the SDK leaves it in the body that it quotes."""
    return f"{getattr(error, 'error_code', '')} {error}"


def _is_table_missing(error: HttpResponseError) -> bool:
    return error.status_code == 404 and "TableNotFound" in _code(error)


def _own(error: HttpResponseError) -> Exception:
    """The error as the stores know it; any other one as it is."""
    if error.status_code == 409 and "EntityAlreadyExists" in _code(error):
        return RowExistsError()
    if error.status_code in (404, 412):
        return RowChangedError(error.index if isinstance(error, TableTransactionError) else 0)
    return error
