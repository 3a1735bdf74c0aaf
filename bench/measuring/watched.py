"""What clients that ask for the progress of a transfer again and again are told, and how right it is."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from ferry.cli.management import ManagementClient, ManagementError

_LOOK_SECONDS = 0.2
_ETA_FROM_SHARE = 0.2


class Seen(NamedTuple):
    """One answer, and when it was asked for (seconds since the epoch). `eta_seconds` None: not told."""

    at: float
    blobs_done: int
    bytes_done: int
    blobs_total: int
    bytes_total: int
    eta_seconds: float | None

    @property
    def share(self) -> float:
        """How much of it is done: the smaller of what its blobs and what its bytes say."""
        shares = ((self.blobs_done, self.blobs_total), (self.bytes_done, self.bytes_total))
        return min(done / total if total else 0.0 for done, total in shares[(self.blobs_total <= 1) :])


def backward_steps(seen: Sequence[Seen]) -> int:
    """How often one of the four numbers was less than in the answer before."""
    return sum(any(a > b for a, b in zip(one[1:5], other[1:5], strict=True)) for one, other in pairwise(seen))


class EtaErrors(NamedTuple):
    """Of the ends that were told after a fifth: how many there are; how far the first one and the worst one were off.

    Shares of the whole time from the beginning to the end.
    """

    told: int
    first: float
    worst: float


def eta_errors(seen: Sequence[Seen], *, began_at: float, ended_at: float) -> EtaErrors | None:
    """How wrong the ends were that were told; None where none was told."""
    whole = ended_at - began_at
    errors = [
        abs(it.at + it.eta_seconds - ended_at) / whole
        for it in seen
        if it.eta_seconds is not None and _ETA_FROM_SHARE <= it.share < 1.0 and it.at < ended_at
    ]
    return EtaErrors(len(errors), errors[0], max(errors)) if errors else None


@dataclass(slots=True)
class Watch:
    """Asks a participant every 200 ms, in a thread of its own, from when the transfer is known until `stop`."""

    management_url: str
    api_key: str
    transfer_id: Callable[[], str | None]
    seen: list[Seen] = field(default_factory=list[Seen])
    failed: list[str] = field(default_factory=list[str])
    _is_over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to ask."""
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ask once more, and end."""
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()

    def _look(self) -> None:
        with ManagementClient(self.management_url, self.api_key) as client:
            is_last = False
            while not is_last:
                is_last = self._is_over.wait(_LOOK_SECONDS)
                try:
                    self._ask(client)
                except ManagementError as error:
                    self.failed.append(str(error))

    def _ask(self, client: ManagementClient) -> None:
        transfer_id = self.transfer_id()
        if transfer_id is None:
            return
        at = time.time()
        told = client.ask("GET", f"/transferprocesses/{transfer_id}/progress")
        numbers = [int(told[it]) for it in ("blobsDone", "bytesDone", "blobsTotal", "bytesTotal")]
        self.seen.append(Seen(at, numbers[0], numbers[1], numbers[2], numbers[3], told.get("etaSeconds")))
