"""When a process is to be looked at again, and which looks are out of date.

At most one delayed look is under way for a process: the document holds its number (the epoch) and when it is due. One
with an older number does nothing, so repeated and late ones cannot multiply.
"""

from datetime import datetime, timedelta

from ferry.domain.process import Process, ScheduledLook

SLACK = timedelta(seconds=1)
# So long an effect that is under way may hold up a look: what is urgent within this time gets one of its own.
_UNDER_WAY = timedelta(minutes=10)


def wanted_look(process: Process, own: datetime | None, now: datetime) -> ScheduledLook | None:
    """The delayed look that is to be sent, or None where one is under way early enough or none is needed.

    `own` is when the process wants to be looked at for its own sake. What is due at once is looked at at once, and only
    what is urgent does not wait for that.
    """
    waiting = (*process.open_intents, *process.open_notices)
    if not process.is_indexed:
        return None
    times = [intent.not_before for intent in waiting if intent.not_before is not None]
    wanted = min([*times, own] if own else times, default=None)
    if any(intent.is_due(now) for intent in waiting):
        urgent = process.urgent_at
        wanted = urgent if urgent is not None and urgent <= now + _UNDER_WAY else None
    under_way = process.look
    if wanted is None:
        return None
    if under_way is not None and now < under_way.at <= wanted + SLACK:
        return None
    return ScheduledLook((under_way.epoch if under_way else 0) + 1, wanted)


def is_stale(process: Process, epoch: int | None) -> bool:
    """Whether a look is older than the one that the process waits for; looks without a number never are."""
    return epoch is not None and process.look is not None and epoch < process.look.epoch
