"""One thing that the doctor has looked at: how it is, and how to mend it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How a thing is."""

    GOOD = "ok"
    DOUBTFUL = "warning"
    BAD = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` was looked at, what was seen, and what to do about it, unless all is well."""

    what: str
    health: Health
    seen: str
    fix: str = ""

    def to_json(self) -> Mapping[str, str]:
        """For `--output json`."""
        return {"what": self.what, "health": self.health.value, "seen": self.seen, "fix": self.fix}


def good(what: str, seen: str) -> Finding:
    """All is well."""
    return Finding(what, Health.GOOD, seen)


def doubtful(what: str, seen: str, fix: str) -> Finding:
    """It may be on purpose."""
    return Finding(what, Health.DOUBTFUL, seen, fix)


def bad(what: str, seen: str, fix: str) -> Finding:
    """It has to be mended."""
    return Finding(what, Health.BAD, seen, fix)
