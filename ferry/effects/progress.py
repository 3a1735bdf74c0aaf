"""How far a transfer has come, from whoever knows: its data flow, its data plane, or the provider.

What nobody tells is answered with what was told last, or with what this side knows itself; asking never fails.
"""

import math
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from ferry.control_plane.progress import Progress
from ferry.domain.faults import EffectFailed, InvalidInput
from ferry.domain.json_value import Json, JsonObject
from ferry.domain.message_kind import Role
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.clock import Clock
from ferry.ports.peer import Peer, PeerAnswer
from ferry.protocol.paths import PROGRESS, url
from ferry.protocol.reader import read
from ferry.protocol.schema import check

TIMEOUT_SECONDS = 2.0
MESSAGE = "TransferProgress"
_S = TransferState
# Where the provider may know more than we do.
_ASKING = frozenset({_S.REQUESTED, _S.STARTED, _S.SUSPENDING, _S.SUSPENDED, _S.RESUMING, _S.COMPLETING})
_SILENT_FOR = timedelta(minutes=10)
_AWAY_FOR = timedelta(seconds=15)
_SILENT_LIMIT = 1000
_REMEMBERED_LIMIT = 1000

type FlowProgress = Callable[[TransferProcess], Progress | None]


def read_progress(said: JsonObject) -> Progress:
    """A progress from JSON of that form. Raises InvalidInput with every fault."""
    message = read(said)
    check(MESSAGE, {"state": "STARTED", **message, "@type": MESSAGE})
    eta, at = message.get("etaSeconds"), _instant(message["updatedAt"])
    return Progress(
        blobs_done=_count(message, "blobsDone"),
        bytes_done=_count(message, "bytesDone"),
        blobs_total=_count(message, "blobsTotal"),
        bytes_total=_count(message, "bytesTotal"),
        is_total_known=message["isTotalKnown"] is True,
        bytes_per_second=_number(message["bytesPerSecond"], "bytesPerSecond"),
        blobs_per_second=0.0,
        eta_seconds=_number(eta, "etaSeconds") if eta is not None else None,
        at=at,
    )


class RememberedProgress:
    """What was told last of each transfer. Safe for threads; bounded, the oldest are forgotten."""

    def __init__(self) -> None:
        self._last: dict[str, Progress] = {}
        self._lock = threading.Lock()

    def of(self, process_id: str) -> Progress | None:
        """What was told last, without a rate or an end: those were of that moment."""
        last = self._last.get(process_id)
        return replace(last, bytes_per_second=0.0, blobs_per_second=0.0, eta_seconds=None) if last else None

    def add(self, process_id: str, told: Progress) -> None:
        """Remember it."""
        with self._lock:
            self._last.pop(process_id, None)
            self._last[process_id] = told
            if len(self._last) > _REMEMBERED_LIMIT:
                del self._last[next(iter(self._last))]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressReader:
    """Finds out how far a transfer has come. `flow_progress` asks the data plane of a provider's."""

    peer: Peer
    clock: Clock
    flow_progress: FlowProgress
    silent: "SilentPeers"
    remembered: RememberedProgress = field(default_factory=RememberedProgress)

    def of(self, process: TransferProcess) -> Progress:
        """How far it has come, as far as can be known within two seconds."""
        known = self.told(process)
        if known is not None:
            return known
        # Whoever watches must not see a copy fall back to nothing because one answer was late.
        last = self.remembered.of(process.id) if process.delivered is None else None
        return last or own_view(process, self.clock.now())

    def told(self, process: TransferProcess) -> Progress | None:
        """What whoever knows more than we do tells now, within two seconds; None where nobody does."""
        known = self._known_elsewhere(process) if process.delivered is None and not process.is_pull else None
        if known is not None:
            self.remembered.add(process.id, known)
        return known

    def _known_elsewhere(self, process: TransferProcess) -> Progress | None:
        if process.role is Role.PROVIDER:
            try:
                return self.flow_progress(process)
            except EffectFailed:
                return None
        if process.state not in _ASKING or not process.correlation_id:
            return None
        return self._of_provider(process)

    def _of_provider(self, process: TransferProcess) -> Progress | None:
        base, now = process.counter_party_address, self.clock.now()
        if self.silent.has(base, now) or self.silent.has(process.id, now):
            return None
        try:
            answer = self.peer.get(
                url(base, PROGRESS, process.correlation_id), audience=base, timeout_seconds=TIMEOUT_SECONDS
            )
        except EffectFailed:
            self.silent.add(base, now + _AWAY_FOR, now)
            return None
        if answer.status == 200 and answer.body is not None:
            try:
                return read_progress(answer.body)
            except InvalidInput:
                answer = PeerAnswer(404)
        # Whoever speaks of the transfer knows the question, and not the transfer.
        is_about_transfer = answer.body is not None and answer.body.get("@type") == "TransferError"
        self.silent.add(process.id if is_about_transfer else base, now + _SILENT_FOR, now)
        return None


class SilentPeers:
    """Who has not answered a question, and until when it is not asked again. Safe for threads."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def has(self, name: str, now: datetime) -> bool:
        """Whether it is not to be asked now."""
        until = self._until.get(name)
        return until is not None and now < until

    def add(self, name: str, until: datetime, now: datetime) -> None:
        """Remember it; what is over is forgotten."""
        with self._lock:
            if len(self._until) >= _SILENT_LIMIT:
                self._until = {key: at for key, at in self._until.items() if at > now}
            if len(self._until) < _SILENT_LIMIT:
                self._until[name] = until


def own_view(process: TransferProcess, now: datetime) -> Progress:
    """What this side knows itself: what has been delivered, once it has."""
    delivered: Mapping[str, Json] = process.delivered or {}
    blobs, size_bytes = _count(delivered, "blobs"), _count(delivered, "bytes")
    is_known = process.delivered is not None
    return Progress(
        blobs_done=blobs,
        bytes_done=size_bytes,
        blobs_total=blobs,
        bytes_total=size_bytes,
        is_total_known=is_known,
        bytes_per_second=0.0,
        blobs_per_second=0.0,
        eta_seconds=0.0 if is_known else None,
        at=process.state_at if is_known else now,
    )


def _count(said: JsonObject, name: str) -> int:
    value = said.get(name)
    return value if isinstance(value, int) else 0


def _instant(said: Json) -> datetime:
    try:
        at = datetime.fromisoformat(str(said))
        return at.astimezone(UTC) if at.tzinfo is not None else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidInput.at("updatedAt", "must be a time as ISO 8601") from None


def _number(said: Json, name: str) -> float:
    try:
        number = float(str(said))
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise InvalidInput.at(name, "must be a number")
    return number
