"""Which index rows a process needs, and when: written before the commit that they announce, withdrawn after it.

A crash can therefore leave a row too many, never a process that nobody finds; a stale row is dropped when it is read.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ferry.domain.decision import Limits
from ferry.domain.process import Process
from ferry.ports import IndexKind, IndexRow


def first_due(now: datetime, janitor_seconds: float) -> datetime:
    """When the janitor is to look at a process for the first time."""
    return (now + timedelta(seconds=janitor_seconds)).replace(microsecond=0)


def retention_end(process: Process, limits: Limits) -> datetime:
    """When a finished process leaves the store."""
    return (process.state_at + timedelta(seconds=limits.retention_seconds)).replace(microsecond=0)


def announced[P: Process](
    before: P | None, after: P, *, now: datetime, limits: Limits, janitor_seconds: float
) -> tuple[P, Sequence[IndexRow]]:
    """The process with its index fields set, and the rows to write before it is committed."""
    created = after.created_at
    if not after.is_indexed:
        return after, ()
    if before is None or (before.is_final and not after.is_final):
        due = first_due(now, janitor_seconds)
        rows = [IndexRow(IndexKind.DUE, after.id, due), IndexRow(IndexKind.LIVE, after.id, created)]
        if before is None:
            rows.append(IndexRow(IndexKind.ALL, after.id, created))
        return replace(after, due_at=due), rows
    if after.is_final and after.listed_as != after.state_name:
        rows = [
            IndexRow(IndexKind.STATE, after.id, created, after.state_name),
            IndexRow(IndexKind.DUE, after.id, retention_end(after, limits)),
        ]
        return replace(after, listed_as=after.state_name), rows
    return after, ()


def withdrawn(before: Process | None, after: Process) -> Sequence[IndexRow]:
    """The rows to remove after the commit."""
    rows: list[IndexRow] = []
    if not after.is_indexed:
        return rows
    if before is not None and before.listed_as and before.listed_as != after.listed_as:
        rows.append(IndexRow(IndexKind.STATE, after.id, after.created_at, before.listed_as))
    if after.is_settled and (before is None or not before.is_settled):
        rows.append(IndexRow(IndexKind.LIVE, after.id, after.created_at))
        if after.due_at is not None:
            rows.append(IndexRow(IndexKind.DUE, after.id, after.due_at))
    return rows


def is_stale(row: IndexRow, process: Process | None, limits: Limits) -> bool:
    """Whether a row says something that is not so (any more), or was written for a process that was never created."""
    if process is None or (row.kind is not IndexKind.DUE and row.at != process.created_at):
        return True
    match row.kind:
        case IndexKind.LIVE:
            return process.is_final
        case IndexKind.STATE:
            return process.state_name != row.state
        case IndexKind.DUE:
            return process.is_settled and row.at != retention_end(process, limits)
        case IndexKind.ALL:
            return False
