"""Which index rows a process needs, and when.

Before a commit: the row that lists the process (ALL) and the one that the janitor comes by (DUE), so that a crash can
leave a row too many, never a process that nobody finds. After the commit that settles it, in one request: a row in the
list of its state (STATE), both lists with what they show of it, and its DUE row goes. Until that request was made the
DUE row leads to it; the janitor makes up for one that was not. A list reads the documents of live processes only.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ferry.domain.process import Process
from ferry.ports.stores import IndexKind, IndexRow, ProcessStore

# Longer than any commit takes from its first index row on.
COMMIT_GRACE = timedelta(seconds=120)


def announced[P: Process](
    before: P | None, after: P, *, now: datetime, janitor_seconds: float
) -> tuple[P, Sequence[IndexRow]]:
    """The process with its index fields set, and the rows to write before it is committed.

    One that comes alive again loses what the list of all shows of it, and remembers the list that it stands in.
    """
    if not after.is_indexed or not (before is None or _moves_on(before, after)):
        return after, ()
    due_at = (now + timedelta(seconds=janitor_seconds)).replace(microsecond=0)
    if before is not None and due_at == before.due_at:
        due_at += timedelta(seconds=1)
    listed_as = "" if before is None else before.state_name
    rows = (IndexRow(IndexKind.ALL, after.id, after.created_at), IndexRow(IndexKind.DUE, after.id, due_at))
    return replace(after, due_at=due_at, listed_as=listed_as), rows


def superseded(before: Process | None, after: Process) -> Sequence[IndexRow]:
    """The rows to remove once those of `announced` are written, before the commit.

    Whoever settled the process and has not listed it yet must not do so any more: its DUE row was the licence.
    """
    if before is None or before.due_at is None or before.due_at == after.due_at:
        return ()
    return (IndexRow(IndexKind.DUE, before.id, before.due_at),)


def relist[P: Process](store: ProcessStore[P], before: P | None, after: P) -> None:
    """After a commit: list a process that it has settled, with what lists show of it."""
    if not after.is_indexed or not after.is_settled or after.due_at is None:
        return
    if before is None or not before.is_settled or before.due_at != after.due_at:
        list_settled(store, after, IndexRow(IndexKind.DUE, after.id, after.due_at))


def list_settled[P: Process](store: ProcessStore[P], process: P, due: IndexRow) -> None:
    """List a settled process, and remove the DUE row that has led to it."""
    rows = [
        IndexRow(IndexKind.ALL, process.id, process.created_at),
        IndexRow(IndexKind.STATE, process.id, process.created_at, process.state_name),
    ]
    gone = [due]
    if process.listed_as and process.listed_as != process.state_name:
        gone.append(IndexRow(IndexKind.STATE, process.id, process.created_at, process.listed_as))
    store.relist(summary(process), rows, gone)


def forget[P: Process](store: ProcessStore[P], process: P) -> None:
    """Let a settled process leave. The document goes first: rows that lead nowhere are dropped when they are read."""
    store.delete(process.id)
    rows = (
        IndexRow(IndexKind.ALL, process.id, process.created_at),
        IndexRow(IndexKind.STATE, process.id, process.created_at, process.state_name),
    )
    store.withdraw(rows)


def summary[P: Process](process: P) -> P:
    """What lists show of a process: all but what it remembers."""
    return replace(process, intents=(), inbox=(), history=(), look=None)


def _moves_on(before: Process, after: Process) -> bool:
    """Whether a settled process comes alive again, or settles anew in another state."""
    return before.is_settled and not (after.is_settled and after.state_name == before.state_name)


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
        return now >= row.at and process is None
    if process is None:
        return now - row.at > COMMIT_GRACE
    return row.at != process.created_at
