"""Documents with public keys, by HTTP through the egress guard: DID documents of partners, key sets of Entra ID.

Each is kept for five minutes. A key that is not in it makes us ask once more, but never more often than every ten
seconds, so that nobody can make us call others by sending tokens; so is a failure remembered. Who wants a
document while another thread asks for it waits for that answer. (Decision record 9.)
"""

import threading
from dataclasses import dataclass, replace
from datetime import datetime

from ferry.domain.faults import EffectFailed, Fault, FaultCode
from ferry.domain.process import JsonObject
from ferry.ports.clock import Clock
from ferry.ports.peer import Peer

KEPT_SECONDS = 300.0
PAUSE_SECONDS = 10.0
TIMEOUT_SECONDS = 5.0
SIZE_LIMIT_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class _Asked:
    """What came of the last request: a document or a failure."""

    at: datetime
    document: JsonObject | None = None
    failure: Fault | None = None


class FetchedKeyDocuments:
    """ports.KeyDocuments over a Peer that shows no identity. Safe for threads."""

    def __init__(self, peer: Peer, *, clock: Clock) -> None:
        self._peer = peer
        self._clock = clock
        self._asked: dict[str, _Asked] = {}
        # By URL; those come from the settings, so there are few.
        self._locks: dict[str, threading.Lock] = {}

    def get(self, url: str) -> JsonObject:
        """The document."""
        return self._document(url, KEPT_SECONDS)

    def again(self, url: str) -> JsonObject:
        """The document as it is now."""
        return self._document(url, PAUSE_SECONDS)

    def _document(self, url: str, kept_seconds: float) -> JsonObject:
        last = self._kept(url, kept_seconds)
        if last is None:
            with self._locks.setdefault(url, threading.Lock()):
                last = self._kept(url, kept_seconds) or self._ask(url, self._clock.now())
        if last.failure is not None:
            raise EffectFailed(last.failure)
        return last.document or {}

    def _kept(self, url: str, kept_seconds: float) -> _Asked | None:
        """What came of the last request, as long as it holds."""
        last = self._asked.get(url)
        if last is None:
            return None
        age_seconds = (self._clock.now() - last.at).total_seconds()
        return last if age_seconds < (PAUSE_SECONDS if last.failure else kept_seconds) else None

    def _ask(self, url: str, now: datetime) -> _Asked:
        asked = _Asked(now)
        try:
            answer = self._peer.get(url, audience=url, timeout_seconds=TIMEOUT_SECONDS)
            if answer.status == 200 and answer.body is not None:
                asked = replace(asked, document=answer.body)
            else:
                asked = replace(asked, failure=_away(url, f"it answered {answer.status}"))
        except EffectFailed as error:
            is_forbidden = error.fault.code == FaultCode.ADDRESS_FORBIDDEN
            asked = replace(asked, failure=error.fault if is_forbidden else _away(url, error.fault.message))
        self._asked[url] = asked
        return asked


def _away(url: str, why: str) -> Fault:
    message = f"the keys at {url} cannot be had now ({why}); trying again may help"
    return Fault(FaultCode.IDENTITY_UNAVAILABLE, message, retryable=True)
