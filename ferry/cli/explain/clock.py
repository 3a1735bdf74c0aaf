"""Times as they are shown: the time of day, and how long something took."""

from datetime import UTC, datetime


def clock(at: datetime) -> str:
    """The time of day in UTC, to the millisecond."""
    return at.astimezone(UTC).strftime("%H:%M:%S.%f")[:-3]


def duration(seconds: float) -> str:
    """So long, in words: `0.4 s`, `59 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    whole = int(seconds)
    for size, unit, small, small_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // small
            return f"{whole // size} {unit}" + (f" {rest} {small_unit}" if rest else "")
    return f"{whole} s"
