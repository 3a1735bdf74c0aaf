"""Rows of Table Storage as the stores see them, and what can be wrong with writing one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

type Values = dict[str, str | int | bytes]

# What one request of several changes holds at most.
BATCH_LIMIT = 100


class RowExistsError(Exception):
    """A row of these keys is there already."""


class RowChangedError(Exception):
    """The row is not there, or not as it was read; `position` says which change of a batch it was."""

    def __init__(self, position: int = 0) -> None:
        super().__init__(f"row {position} was changed or is gone")
        self.position = position


@dataclass(frozen=True, slots=True)
class Row:
    """A row as it was read."""

    key: str
    etag: str
    values: Mapping[str, object] = field(repr=False)
