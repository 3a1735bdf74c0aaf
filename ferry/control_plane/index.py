"""Which index rows a process needs, and when: written before the commit that they announce, withdrawn after it.

Every process is listed (ALL); one that is not settled has a row that the janitor comes by (DUE); a final one is listed
by its state (STATE). A crash can leave a row too many, never a process that nobody finds; a stale row is dropped when
it is read.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ferry.domain.process import Process
from ferry.ports import IndexKind, IndexRow

# Longer than any commit takes from its first index row on.
COMMIT_GRACE = timedelta(seconds=120)


def announced[P: Process](
    before: P | None, after: P, *, now: datetime, janitor_seconds: float
) -> tuple[P, Sequence[IndexRow]]:
    """The process with its index fields set, and the rows to write before it is committed."""
    rows: list[IndexRow] = []
    if not after.is_indexed:
        return after, rows
    if before is None:
        rows.append(IndexRow(IndexKind.ALL, after.id, after.created_at))
    if not after.is_settled and (before is None or before.is_settled):
        due_at = (now + timedelta(seconds=janitor_seconds)).replace(microsecond=0)
        rows.append(IndexRow(IndexKind.DUE, after.id, due_at))
        after = replace(after, due_at=due_at)
    if after.is_final and after.listed_as != after.state_name:
        rows.append(IndexRow(IndexKind.STATE, after.id, after.created_at, after.state_name))
        after = replace(after, listed_as=after.state_name)
    return after, rows


def withdrawn(before: Process | None, after: Process) -> Sequence[IndexRow]:
    """The rows to remove after the commit."""
    rows: list[IndexRow] = []
    if not after.is_indexed or before is None:
        return rows
    if before.listed_as and before.listed_as != after.listed_as:
        rows.append(IndexRow(IndexKind.STATE, after.id, after.created_at, before.listed_as))
    if after.is_settled and not before.is_settled and after.due_at is not None:
        rows.append(IndexRow(IndexKind.DUE, after.id, after.due_at))
    return rows


def is_stale(row: IndexRow, process: Process | None) -> bool:
    """Whether a row says something that is not so: not yet, not any more, or of a process that was never created."""
    if process is None:
        return True
    match row.kind:
        case IndexKind.DUE:
            return process.is_settled
        case IndexKind.STATE:
            return process.state_name != row.state or row.at != process.created_at
        case IndexKind.ALL:
            return row.at != process.created_at


def is_droppable(row: IndexRow, process: Process | None, now: datetime) -> bool:
    """Whether a stale row may go. One that announces a commit which is still under way must stay.

    A row of a process that exists is dropped only where it can never become true. What a crash has left beside it goes
    when the process leaves. A DUE row is due long after it was written, but lists read it earlier.
    """
    if row.kind is IndexKind.DUE:
        return now >= row.at and (process is None or process.is_settled)
    if process is None:
        return now - row.at > COMMIT_GRACE
    return row.at != process.created_at
