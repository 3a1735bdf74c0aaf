"""Watches a transfer until it ends: states as they come, blobs and bytes, with rate and time left where known."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ferry.cli.exits import ExitCode
from ferry.cli.explain.clock import clock
from ferry.cli.failure import CommandFailed
from ferry.cli.management import HistoryLine, ManagementClient, ManagementError, TransferView
from ferry.cli.moved import Moved, Shown, read_progress

FINAL_STATES = frozenset({"COMPLETED", "TERMINATED", "DEPROVISIONED"})
_PAUSES_SECONDS = (0.1, 0.2, 0.3, 0.5, 1.0)
_PATIENCE_SECONDS = 60.0
# A rate over less than this says nothing.
_SHORTEST_SPAN_SECONDS = 0.5


@dataclass(slots=True, kw_only=True)
class TransferWatch:
    """One transfer that is looked at again and again. `timeout_seconds` None: as long as it takes."""

    client: ManagementClient
    transfer_id: str
    shown: Shown
    timeout_seconds: float | None = None
    tells_history: bool = True
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _has_progress: bool = True
    _told: set[HistoryLine] = field(default_factory=set[HistoryLine])
    _first: tuple[float, int] | None = None
    _silent_since: float | None = None

    def until(self, states: frozenset[str] = FINAL_STATES) -> TransferView:
        """The transfer in one of these states. Raises CommandFailed TIMED_OUT, ManagementError."""
        deadline = None if self.timeout_seconds is None else self.clock() + self.timeout_seconds
        count = 0
        while True:
            view = self._look()
            if view is not None and view.state in states:
                return view
            if deadline is not None and self.clock() >= deadline:
                raise self._too_late(view)
            self.sleep(_PAUSES_SECONDS[min(count, len(_PAUSES_SECONDS) - 1)])
            count += 1

    def _look(self) -> TransferView | None:
        """The transfer now; None where nobody answers for a moment, which a long watch must outlive."""
        try:
            view = self.client.transfer(self.transfer_id)
            self._show(view)
        except ManagementError as error:
            is_passing = error.status is None or error.status >= 500
            if self._silent_since is None:
                self._silent_since = self.clock()
            if not is_passing or self._first_answer_missing or self.clock() - self._silent_since > _PATIENCE_SECONDS:
                raise
            return None
        self._silent_since = None
        return view

    @property
    def _first_answer_missing(self) -> bool:
        return not self._told

    def _show(self, view: TransferView) -> None:
        for line in view.history:
            if line not in self._told:
                self._told.add(line)
                if not self.tells_history:
                    continue
                step = f"{line.step:>2}" if line.step else "  "
                self.shown.say(f"{clock(line.at)}  {line.state:<21} {step}  {line.what}")
        self.shown.show(self._rated(self._moved(view)))

    def _moved(self, view: TransferView) -> Moved:
        if view.delivered:
            blobs, size_bytes = int(view.delivered.get("blobs", 0)), int(view.delivered.get("bytes", 0))
            return Moved(blobs=blobs, size_bytes=size_bytes, blobs_total=blobs, bytes_total=size_bytes)
        if self._has_progress:
            try:
                return read_progress(self.client.ask("GET", f"/transferprocesses/{self.transfer_id}/progress"))
            except ManagementError as error:
                # A participant that does not know the question is not asked again.
                if error.status is None or error.status >= 500:
                    raise
                self._has_progress = False
        return read_progress(view.progress)

    def _rated(self, moved: Moved) -> Moved:
        """With a rate and a time left of our own, where the API tells none."""
        if moved.bytes_per_second is not None or not moved.size_bytes:
            return moved
        now = self.clock()
        self._first = self._first or (now, moved.size_bytes)
        seconds, size_bytes = now - self._first[0], moved.size_bytes - self._first[1]
        if seconds < _SHORTEST_SPAN_SECONDS or size_bytes <= 0:
            return moved
        rate = size_bytes / seconds
        left = None if moved.bytes_total is None else (moved.bytes_total - moved.size_bytes) / rate
        return Moved(
            blobs=moved.blobs,
            size_bytes=moved.size_bytes,
            blobs_total=moved.blobs_total,
            bytes_total=moved.bytes_total,
            bytes_per_second=rate,
            eta_seconds=left,
        )

    def _too_late(self, view: TransferView | None) -> CommandFailed:
        state = view.state if view else "not answering"
        return CommandFailed(
            f"Transfer {self.transfer_id} is still {state} after {self.timeout_seconds:g} s; it goes on",
            next_step=f"ferry transfer explain {self.transfer_id}",
            exit_code=ExitCode.TIMED_OUT,
        )
