"""Which requests a relay spoils, and how: a plan of faults that a test may change at any time."""

import threading
from dataclasses import dataclass
from typing import Literal

from ferry.emulators.operations import StorageService

type FaultKind = Literal["status", "reset", "lost_reply"]


@dataclass(frozen=True, slots=True)
class RelayFault:
    """Spoils every nth request that fits, at most `limit` times.

    `status` answers without asking Azurite, `reset` cuts the connection before Azurite sees the request, `lost_reply`
    cuts it after Azurite has carried the request out. `service`, `method` and `path_contains` narrow what fits.
    """

    kind: FaultKind
    every: int = 1
    status: int = 503
    limit: int | None = None
    service: StorageService | None = None
    method: str | None = None
    path_contains: str = ""

    def fits(self, service: StorageService, method: str, path: str) -> bool:
        """Whether the fault is about such requests."""
        return (
            self.service in (None, service)
            and (self.method is None or self.method == method)
            and self.path_contains in path
        )


@dataclass(slots=True)
class _Counted:
    fault: RelayFault
    seen: int = 0
    used: int = 0


class RelayFaultPlan:
    """The planned faults; the first one whose turn it is wins."""

    def __init__(self) -> None:
        self.delay_seconds = 0.0
        self._lock = threading.Lock()
        self._faults: tuple[_Counted, ...] = ()

    def plan(self, *faults: RelayFault) -> None:
        """Replace the plan; counting begins anew."""
        with self._lock:
            self._faults = tuple(_Counted(fault) for fault in faults)

    def clear(self) -> None:
        """Spoil nothing and delay nothing."""
        self.plan()
        self.delay_seconds = 0.0

    def take(self, service: StorageService, method: str, path: str) -> RelayFault | None:
        """The fault for the request at hand, or None; counts it."""
        with self._lock:
            chosen: _Counted | None = None
            for counted in self._faults:
                if not counted.fault.fits(service, method, path):
                    continue
                counted.seen += 1
                if chosen is None and _is_due(counted):
                    chosen = counted
            if chosen is None:
                return None
            chosen.used += 1
            return chosen.fault


def _is_due(counted: _Counted) -> bool:
    exhausted = counted.fault.limit is not None and counted.used >= counted.fault.limit
    return not exhausted and counted.seen % counted.fault.every == 0
