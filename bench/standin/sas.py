"""Looks at the SAS of a request as the service does, but for the signature, which nobody here can make."""

import time
from datetime import UTC, datetime
from functools import lru_cache

from bench.standin.http import Answer, refusal


def fault(query: dict[str, str], wanted: str) -> Answer | None:
    """Why a request is refused; `wanted`: letters of which the SAS must have one."""
    if "sig" not in query:
        return refusal(401, "NoAuthenticationInformation")
    if is_expired(query):
        return refusal(403, "AuthenticationFailed")
    granted = query.get("sp", "")
    return None if any(it in granted for it in wanted) else refusal(403, "AuthorizationPermissionMismatch")


def may_read(query: dict[str, str]) -> bool:
    """Whether the source can be read with it."""
    return "sig" in query and not is_expired(query) and "r" in query.get("sp", "")


def is_expired(query: dict[str, str]) -> bool:
    """Whether its time is over; without an end it hangs on a policy, which is never revoked here."""
    ends = query.get("se")
    return bool(ends) and ends < _written(int(time.time()))


@lru_cache(maxsize=2)
def _written(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
