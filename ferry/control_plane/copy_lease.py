"""How long a worker has a copy, or a page of one, to itself."""

from datetime import datetime, timedelta

LEASE_SECONDS = 15.0
MOST_LEASE_SECONDS = 60.0
# A checkpoint reads and writes, its heartbeat may come late by as much, and then there is the next one.
_TIMES_SLOWEST = 4


def lease_end(now: datetime, *, slowest_seconds: float = 0.0) -> datetime:
    """When it ends. `slowest_seconds`: what the store has taken for a checkpoint or a look at most, as far as is known.

    A store that is slow for a while must not take copies from workers that are busy: whoever takes one over sends all
    that is in flight again.
    """
    return now + timedelta(seconds=min(LEASE_SECONDS + _TIMES_SLOWEST * slowest_seconds, MOST_LEASE_SECONDS))
