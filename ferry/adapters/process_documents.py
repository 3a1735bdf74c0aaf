"""What every store of processes does with a document, wherever it lies: overflow of history, lost replies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ferry.domain.codec import to_json
from ferry.domain.faults import AlreadyExists, CommitConflict
from ferry.domain.process import HISTORY_LIMIT, JsonObject, Process

# What stays after an overflow. Half, so that one commit in twenty pays for moving lines, not every one.
_HISTORY_KEPT = HISTORY_LIMIT // 2


@dataclass(frozen=True, slots=True)
class MovedLines:
    """History lines that leave a document: the number of the first one, counted from the process's beginning."""

    first: int
    lines: Sequence[JsonObject]


def move_history[P: Process](process: P) -> tuple[P, MovedLines | None]:
    """The document as it is to be stored, and the oldest lines of a history that has grown too long."""
    excess = len(process.history) - _HISTORY_KEPT
    if len(process.history) <= HISTORY_LIMIT:
        return process, None
    moved = MovedLines(process.history_moved, [to_json(line) for line in process.history[:excess]])
    kept = replace(process, history=process.history[excess:], history_moved=process.history_moved + excess)
    return kept, moved


def is_own_write(stored: Process | None, wanted: Process, before: Process | None = None) -> bool:
    """Whether what lies in the store is what we were about to write: the reply to our own request was lost."""
    if stored is None or not wanted.operation_id or stored.operation_id != wanted.operation_id:
        return False
    # An operation id that was already there before says nothing about this write.
    return before is None or before.operation_id != wanted.operation_id


def taken(process: Process) -> AlreadyExists:
    """Raise-ready error: another operation has created a process of this id."""
    return AlreadyExists(type(process).__name__, process.id, "another operation created it")


def conflict(process: Process) -> CommitConflict:
    """Raise-ready error: the document has changed or is gone since it was read."""
    kind = type(process).__name__
    return CommitConflict(f"{kind} {process.id} was changed or removed meanwhile: read it again and decide anew")
