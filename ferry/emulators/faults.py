"""Answers that an emulator was told to give instead of its own, for the next calls or for some time."""

import threading
import time
from dataclasses import dataclass

from ferry.emulators.loopback_server import Response


@dataclass(slots=True)
class _Fault:
    status: int
    retry_after_seconds: float | None
    remaining_calls: int | None
    until: float | None

    def applies(self) -> bool:
        if self.remaining_calls is not None:
            self.remaining_calls -= 1
            return self.remaining_calls >= 0
        return self.until is None or time.monotonic() < self.until


class FaultPlan:
    """At most one planned fault; a new one replaces it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fault: _Fault | None = None

    def plan(
        self,
        status: int,
        *,
        calls: int | None = None,
        seconds: float | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        """Answer `status` to the next `calls` requests, or for `seconds`; with neither, until `clear`."""
        until = None if seconds is None else time.monotonic() + seconds
        with self._lock:
            self._fault = _Fault(status, retry_after_seconds, calls, until)

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._fault = None

    def take(self) -> Response | None:
        """The planned answer to the request at hand, or None; counts it."""
        with self._lock:
            if self._fault is None:
                return None
            if not self._fault.applies():
                self._fault = None
                return None
            return _response(self._fault)


def _response(fault: _Fault) -> Response:
    code = "Throttled" if fault.status == 429 else "InjectedFault"
    wait = fault.retry_after_seconds
    headers = {} if wait is None else {"Retry-After": f"{wait:g}"}
    return Response(fault.status, {"error": {"code": code, "message": "This answer was planned by a test"}}, headers)
