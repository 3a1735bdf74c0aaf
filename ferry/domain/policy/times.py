"""Times in policies: ISO 8601, or so long after the agreement was signed (`contractAgreement+30d`), as EDC has them."""

import re
from datetime import UTC, datetime, timedelta

from ferry.domain.json_value import Json

_AFTER_SIGNING = re.compile(r"contract[Aa]greement\+(-?[0-9]{1,9})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_FIRST, _LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def instant(value: Json) -> datetime | None:
    """A moment written as ISO 8601, in UTC where no zone is said; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def after_signing(value: Json) -> timedelta | None:
    """How long after the signing; None where it is no such time."""
    found = _AFTER_SIGNING.fullmatch(value) if isinstance(value, str) else None
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]]) if found else None


def bound(value: Json, signed_at: datetime | None) -> datetime | None:
    """The moment that a right operand names, of whichever form; None where it names none (yet)."""
    pause = after_signing(value)
    if pause is None:
        return instant(value)
    if signed_at is None:
        return None
    try:
        return signed_at.astimezone(UTC) + pause
    except OverflowError:
        return _LAST if pause > timedelta() else _FIRST
