"""AzureBlobWriter: a small blob at a destination for which only a write SAS is held (step 12).

Nothing is ever overwritten: every write carries `If-None-Match: *`. It tries again by itself, briefly; a blob that is
there after a try whose answer was lost is the one that this try wrote.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_errors import Refusal, attempt
from ferry.adapters.clock import SystemClock
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.ports.clock import Clock
from ferry.ports.copying import BlobTarget, PutOutcome

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient

_TRIES = 4
_FIRST_PAUSE_SECONDS = 0.2
_EXISTS = frozenset({"BlobAlreadyExists", "TargetConditionNotMet"})
_GONE = frozenset({"ContainerNotFound", "ContainerBeingDeleted"})


class AzureBlobWriter:
    """Writes single blobs with a SAS. Safe for threads."""

    def __init__(self, clients: BlobClients, clock: Clock | None = None) -> None:
        self._clients = clients
        self._clock = clock or SystemClock()

    def put_bytes(self, target: BlobTarget, content: bytes, content_type: str) -> PutOutcome:
        """Put Blob."""
        from azure.storage.blob import ContentSettings

        blob, settings = self._blob(target), ContentSettings(content_type=content_type)
        answer = self._send(lambda: blob.upload_blob(content, overwrite=False, content_settings=settings))
        if isinstance(answer, Refusal):
            raise _failed(answer, target)
        return answer

    def _send(self, request: Callable[[], object]) -> PutOutcome | Refusal:
        """Send it until it is answered for good. What exists after a lost answer is ours."""
        may_be_ours = False
        pause_seconds = _FIRST_PAUSE_SECONDS
        for tries_left in reversed(range(_TRIES)):
            answer = attempt(request)
            if not isinstance(answer, Refusal):
                return PutOutcome.WRITTEN
            if answer.code in _EXISTS:
                return PutOutcome.WRITTEN if may_be_ours else PutOutcome.EXISTS
            if not answer.is_transient or not tries_left:
                return answer
            may_be_ours = may_be_ours or answer.is_ambiguous
            self._clock.sleep(pause_seconds)
            pause_seconds *= 2
        raise AssertionError("unreachable")

    def _blob(self, target: BlobTarget) -> "BlobClient":
        return self._clients.by_sas(target.endpoint, target.container, target.sas).get_blob_client(target.name)


def _failed(refusal: Refusal, target: BlobTarget) -> EffectFailed:
    where = f"container {target.container} at {target.endpoint}"
    if refusal.code in _GONE or refusal.status == 404:
        message = f"{where} does not exist any more ({refusal}); a retry does not help"
        return EffectFailed.because(FaultCode.DESTINATION_GONE, message)
    if refusal.status in (401, 403):
        message = (
            f"{where} refuses the SAS ({refusal}): it was revoked (with the container, if that was deleted), has "
            "expired or allows too little, or a firewall keeps us out; a retry does not help, the consumer must start "
            "a new transfer"
        )
        return EffectFailed.because(FaultCode.SAS_REFUSED, message)
    if refusal.is_transient or refusal.status >= 500:
        message = f"{where} cannot be reached now ({refusal}); it is tried again"
        return EffectFailed.because(FaultCode.DESTINATION_UNAVAILABLE, message, retryable=True)
    message = f"{where} does not take blob {target.name!r} ({refusal}); a retry does not help"
    return EffectFailed.because(FaultCode.DESTINATION_UNAVAILABLE, message)
