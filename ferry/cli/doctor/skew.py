"""How far this machine's clock is from that of a server, by the `Date` of an answer."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ferry.cli.doctor.finding import Finding, bad, doubtful, good

# A SAS starts five minutes before it is made, and tokens are allowed as much; half of it is a warning.
_BAD_SECONDS, _DOUBTFUL_SECONDS = 300.0, 60.0
_FIX = "set the clock by NTP (timedatectl set-ntp true), or find out which of the two is wrong"


def skew_finding(what: str, date: str | None, *, asked_at: datetime, answered_at: datetime) -> Finding:
    """The finding for an answer with that `Date`, which has whole seconds, to a request between these times."""
    if not date:
        return doubtful(what, "the answer has no Date", "nothing can be said; compare the clocks by hand")
    try:
        theirs = parsedate_to_datetime(date).astimezone(UTC)
    except ValueError:
        return doubtful(what, f"the answer's Date cannot be read: {date!r}", "compare the clocks by hand")
    if theirs > answered_at:
        seconds = (theirs - answered_at).total_seconds()
        seen = f"its clock is {seconds:.0f} s ahead of this machine's"
    else:
        seconds = max(0.0, (asked_at - theirs).total_seconds() - 1.0)
        seen = f"its clock is {seconds:.0f} s behind this machine's"
    if seconds > _BAD_SECONDS:
        return bad(what, seen, _FIX)
    return doubtful(what, seen, _FIX) if seconds > _DOUBTFUL_SECONDS else good(what, "the clocks agree")
