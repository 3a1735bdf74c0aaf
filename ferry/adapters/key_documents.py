"""Documents with public keys, by HTTP through the egress guard: DID documents of partners, key sets of Entra ID.

Each is kept for five minutes. A key that is not in it makes us ask once more, but never more often than every ten
seconds, so that nobody can make us call others by sending tokens; so is a failure remembered. (Decision record 9.)
"""

import threading
from dataclasses import dataclass, replace
from datetime import datetime

from ferry.domain.faults import EffectFailed, Fault, FaultCode
from ferry.domain.process import JsonObject
from ferry.ports import Clock, Peer

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
    """ports.KeyDocuments over a Peer that shows no identity. The URLs are those of the settings, so they are few."""

    def __init__(self, peer: Peer, *, clock: Clock) -> None:
        self._peer = peer
        self._clock = clock
        self._asked: dict[str, _Asked] = {}
        self._lock = threading.Lock()

    def get(self, url: str) -> JsonObject:
        """The document."""
        return self._document(url, KEPT_SECONDS)

    def again(self, url: str) -> JsonObject:
        """The document as it is now."""
        return self._document(url, PAUSE_SECONDS)

    def _document(self, url: str, kept_seconds: float) -> JsonObject:
        now = self._clock.now()
        last = self._asked.get(url)
        age = (now - last.at).total_seconds() if last else None
        if last is None or age is None or age >= (PAUSE_SECONDS if last.failure else kept_seconds):
            last = self._ask(url, now)
        if last.failure is not None:
            raise EffectFailed(last.failure)
        return last.document or {}

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
        with self._lock:
            self._asked[url] = asked
        return asked


def _away(url: str, why: str) -> Fault:
    message = f"the keys at {url} cannot be had now ({why}); trying again may help"
    return Fault(FaultCode.IDENTITY_UNAVAILABLE, message, retryable=True)
