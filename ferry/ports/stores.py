"""Where documents lie: processes with their index rows, and plain definitions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ferry.domain.contracts import Criterion
from ferry.domain.process import JsonObject, Process


@dataclass(frozen=True, slots=True)
class Record[P]:
    """A document as it lies in the store: `etag` guards the next replace."""

    document: P
    etag: str


class IndexKind(StrEnum):
    """Which list an index row belongs to."""

    DUE = "due"  # when the janitor is to look at it
    STATE = "state"  # settled, by state, newest first
    ALL = "all"  # everything, newest first


@dataclass(frozen=True, slots=True)
class IndexRow:
    """A row that leads to a process.

    `at` is the due time for DUE, else the creation time. `state` only for STATE.
    """

    kind: IndexKind
    process_id: str
    at: datetime
    state: str = ""


@dataclass(frozen=True, slots=True)
class Listed[P]:
    """A row of a list, and the process as lists show it; None where only its document says that."""

    row: IndexRow
    summary: P | None = None


class ProcessStore[P: Process](Protocol):
    """Documents of one type, and the index rows that lead to them."""

    def load(self, process_id: str) -> Record[P] | None:
        """One point read; None where there is no such process."""
        ...

    def insert(self, process: P) -> Record[P]:
        """Create the document. Raises AlreadyExists unless the one there has the same operation id (a lost reply)."""
        ...

    def replace(self, record: Record[P], process: P) -> Record[P]:
        """Replace the document if it is still `record`'s. Raises CommitConflict.

        A reply that was lost is recognised by the operation id: then it counts as committed. History that overflows
        goes to rows of the same partition in the same transaction.
        """
        ...

    def delete(self, process_id: str) -> None:
        """Remove the document and its history rows; a missing one is fine."""
        ...

    def history(self, process_id: str) -> Sequence[JsonObject]:
        """History lines that have left the document, oldest first, as JSON."""
        ...

    def announce(self, rows: Sequence[IndexRow]) -> None:
        """Write index rows (insert or replace), in one request where they fit."""
        ...

    def withdraw(self, rows: Sequence[IndexRow]) -> None:
        """Remove index rows; missing ones are fine."""
        ...

    def relist(self, summary: P, rows: Sequence[IndexRow], gone: Sequence[IndexRow]) -> None:
        """Write rows that hold the summary and remove others, all or none.

        Where the first of `gone` is not there nothing happens: somebody else has listed the process. Others may miss.
        """
        ...

    def due(self, until: datetime, limit: int) -> Sequence[IndexRow]:
        """DUE rows up to that time, earliest first."""
        ...

    def aged(self, state: str, created_until: datetime, limit: int) -> Sequence[IndexRow]:
        """STATE rows of processes that were created up to that time, newest first."""
        ...

    def listed(
        self, kind: IndexKind, *, state: str = "", after: IndexRow | None = None, limit: int = 50
    ) -> "Sequence[Listed[P]]":
        """Rows of STATE or ALL, newest first, with what they hold; those behind `after`, which need not be there."""
        ...

    def skip(self, kind: IndexKind, *, state: str = "", count: int) -> IndexRow | None:
        """The `count`-th row (from 1) of STATE or ALL, by keys alone; None where there are fewer."""
        ...


class Definitions[D](Protocol):
    """Plain documents of one type without a life of their own: assets, policies, contract definitions, agreements."""

    def get(self, definition_id: str) -> D | None:
        """One point read."""
        ...

    def create(self, definition_id: str, definition: D) -> None:
        """Insert. Raises AlreadyExists (never, where the same content is already there)."""
        ...

    def update(self, definition_id: str, definition: D) -> None:
        """Replace. Raises NotFound."""
        ...

    def delete(self, definition_id: str) -> None:
        """Remove. Raises NotFound."""
        ...

    def all(self, *, after: str = "") -> Iterator[D]:
        """Every definition (behind the id `after`), in the order of their ids, streamed page by page."""
        ...

    def query(self, criteria: Sequence[Criterion], *, offset: int = 0, limit: int = 50) -> Sequence[D]:
        """Definitions that meet all criteria (on their JSON), in the order of their ids."""
        ...
