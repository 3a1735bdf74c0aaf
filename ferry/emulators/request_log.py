"""Keeps account of the storage requests that Azurite answered, by account, service and operation, for tests."""

import json
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from ferry.emulators.operations import RequestShape, StorageService, operation_name

type CredentialKind = Literal["key", "sas", "bearer", "none"]
_KEPT_REQUESTS = 100_000
_AZURITE_AGENT = "axios/"
OWN_USER_AGENT = "ferry-emulators"


@dataclass(frozen=True, slots=True)
class StorageRequest:
    """One answered request; `path` is percent-encoded and has no query, so no signature can be in it."""

    sequence: int
    answered_at: float
    service: StorageService
    account: str
    operation: str
    method: str
    path: str
    status: int
    credential: CredentialKind
    user_agent: str
    received_bytes: int | None
    sent_bytes: int | None
    etag: str | None
    duration_seconds: float
    block_id: str | None = None

    @property
    def begun_at(self) -> float:
        """When it arrived."""
        return self.answered_at - self.duration_seconds

    @property
    def is_copy_source_read(self) -> bool:
        """Whether Azurite sent it to itself, to read the source of a server-side copy."""
        return self.user_agent.startswith(_AZURITE_AGENT)


@dataclass(frozen=True, slots=True)
class RequestCount:
    """How often an operation was answered in an account."""

    account: str
    service: StorageService
    operation: str
    count: int


class RequestLog:
    """The answered requests, oldest first; safe to read while Azurite writes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: deque[StorageRequest] = deque(maxlen=_KEPT_REQUESTS)
        self._last_sequence = 0
        self._observers: list[Callable[[StorageRequest], None]] = []

    @property
    def last_sequence(self) -> int:
        """The newest request's number; hand it to `since` to see only what follows."""
        with self._lock:
            return self._last_sequence

    def since(self, sequence: int = 0) -> list[StorageRequest]:
        """The requests numbered above `sequence`; at most the newest 100,000 are kept."""
        with self._lock:
            return [request for request in self._requests if request.sequence > sequence]

    def counts(self, since: int = 0) -> list[RequestCount]:
        """Counts per account, service and operation of the requests numbered above `since`."""
        counter: Counter[tuple[str, StorageService, str]] = Counter(
            (request.account, request.service, request.operation) for request in self.since(since)
        )
        return [
            RequestCount(account, service, operation, count)
            for (account, service, operation), count in sorted(counter.items())
        ]

    def clear(self) -> None:
        """Forget the requests; numbering goes on."""
        with self._lock:
            self._requests.clear()

    def observe(self, observer: Callable[[StorageRequest], None]) -> None:
        """Call `observer` with every later request, on Azurite's reader thread: it must return at once."""
        with self._lock:
            self._observers.append(observer)

    def record(self, line: Mapping[str, Any], service: StorageService) -> None:
        """Take one line of the observer script inside Azurite; what the emulators ask for themselves is left out."""
        if line["userAgent"].startswith(OWN_USER_AGENT):
            return
        with self._lock:
            self._last_sequence += 1
            request = _request(line, service, self._last_sequence)
            self._requests.append(request)
            observers = tuple(self._observers)
        for observer in observers:
            observer(request)


def parse_line(line: str) -> Mapping[str, Any] | None:
    """The record in a line of Azurite's output, or None for its other output."""
    if not line.startswith('{"azuriteRequest"'):
        return None
    return cast("Mapping[str, Any]", json.loads(line))


def _request(line: Mapping[str, Any], service: StorageService, sequence: int) -> StorageRequest:
    shape = RequestShape(
        service=service,
        method=line["method"],
        path=line["path"],
        restype=line["restype"],
        comp=line["comp"],
        blob_type=line["blobType"],
        has_copy_source=line["copySource"],
        copies_synchronously=line["copySynchronously"],
        peeks_only=line["peekOnly"],
    )
    return StorageRequest(
        sequence=sequence,
        answered_at=line["at"],
        service=service,
        account=shape.path.lstrip("/").split("/", 1)[0],
        operation=operation_name(shape),
        method=shape.method,
        path=shape.path,
        status=line["status"],
        credential=line["credential"],
        user_agent=line["userAgent"],
        received_bytes=line["receivedBytes"],
        sent_bytes=line["sentBytes"],
        etag=line["etag"],
        duration_seconds=line["milliseconds"] / 1000,
        block_id=line.get("blockId"),
    )
