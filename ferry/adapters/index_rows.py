"""Index rows as row keys of one partition: `due` by time, the lists newest first (design: indexes).

    due|<time>|<id>    state|<STATE>|<inverted time>|<id>    all|<inverted time>|<id>

Times keep their microseconds, so that a row which was read is the very row that was written.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ferry.adapters.table_keys import decode_key, encode_key, is_cut
from ferry.domain.faults import InvalidInput
from ferry.ports.stores import IndexKind, IndexRow

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST = 10**18 - 1

# A property holds 64 KiB; a longer summary is left out, and lists read the document.
SUMMARY_LIMIT_BYTES = 60 * 1024


def row_key(row: IndexRow) -> str:
    """The key under which the row lies. Raises InvalidInput for an id that is too long to be read back."""
    key = encode_key(row.process_id)
    if is_cut(key):
        raise InvalidInput.at("id", f"{len(row.process_id)} characters are too many for the id of a process")
    at = _time(row.at) if row.kind is IndexKind.DUE else _inverted(row.at)
    return f"{list_prefix(row.kind, row.state)}{at}|{key}"


def parse_row_key(key: str) -> IndexRow:
    """The row that lies under the key. Raises ValueError."""
    kind, *state, at, encoded_id = key.split("|")
    if kind == IndexKind.DUE:
        due_at = datetime.strptime(at, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        return IndexRow(IndexKind.DUE, decode_key(encoded_id), due_at)
    created_at = _EPOCH + timedelta(microseconds=_LAST - int(at))
    return IndexRow(IndexKind(kind), decode_key(encoded_id), created_at, state[0] if state else "")


def list_prefix(kind: IndexKind, state: str = "") -> str:
    """What all keys of one list begin with."""
    return f"{kind}|{state}|" if kind is IndexKind.STATE else f"{kind}|"


def prefix_end(prefix: str) -> str:
    """The least text that is greater than everything with that prefix."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def due_end(until: datetime) -> str:
    """The least text that is greater than every DUE key up to that time."""
    return list_prefix(IndexKind.DUE) + _time(until + _MICROSECOND)


def aged_range(state: str, created_until: datetime) -> tuple[str, str]:
    """The texts between which the keys of processes lie that ended in a state and were created up to that time."""
    prefix = list_prefix(IndexKind.STATE, state)
    return f"{prefix}{_inverted(created_until)}", prefix_end(prefix)


def start_of(kind: IndexKind, state: str, after: IndexRow | None) -> str:
    """The key behind which the rows of a list begin: all of them, or those behind a row."""
    return list_prefix(kind, state) if after is None else row_key(replace(after, kind=kind, state=state))


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def _inverted(at: datetime) -> str:
    return f"{_LAST - (at - _EPOCH) // _MICROSECOND:018d}"
