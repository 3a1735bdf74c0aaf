"""Copies blobs page by page for as long as a slice lasts, several at once, and tells how far it has come (steps 10-11).

Blobs of a page are handed to the workers in the order of the listing and accounted for in that order, so that one name
says how far a page is done.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextvars import Context, copy_context
from dataclasses import dataclass

from ferry.data_plane.azure_storage_data_sink import AzureStorageDataSink, CopyStopped
from ferry.data_plane.copy_checkpoint import CopyCheckpoint
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.ports import BlobPage, DataSource, PutOutcome, SourceBlob

_STEP = 11


@dataclass(frozen=True, slots=True)
class SliceLimits:
    """How long a slice lasts, how often it reports, how many blobs are copied at once.

    `settle_seconds`: how long a copy that is stopped waits for the requests that are under way.
    """

    slice_seconds: float = 240.0
    heartbeat_seconds: float = 5.0
    workers: int = 16
    settle_seconds: float = 5.0


class StopSignal:
    """Tells the workers that nothing more is to be written."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def give(self) -> None:
        """Stop."""
        self._event.set()

    def check(self) -> None:
        """Raise CopyStopped if it was given."""
        if self._event.is_set():
            raise CopyStopped


class CopySlice:
    """One slice of one flow. `report` saves the checkpoint and says whether the flow is still ours to copy."""

    def __init__(
        self,
        source: DataSource,
        sink: AzureStorageDataSink,
        *,
        checkpoint: CopyCheckpoint,
        limits: SliceLimits,
        stop: StopSignal,
        report: Callable[[], bool],
    ) -> None:
        self._source = source
        self._sink = sink
        self._checkpoint = checkpoint
        self._limits = limits
        self._stop = stop
        self._report = report
        self._until = time.monotonic() + limits.slice_seconds
        self._reported_at = time.monotonic()
        self._error: Exception | None = None
        self._error_lock = threading.Lock()
        self._waiting: deque[tuple[SourceBlob, Future[PutOutcome]]] = deque()
        self._was_attempted = False

    def run(self, on_page: Callable[[], None]) -> bool:
        """Copy; True when all is copied, False when the slice is over before. `on_page` hears of each page.

        Raises EffectFailed, after the checkpoint was saved, and CopyStopped.
        """
        pool = ThreadPoolExecutor(
            self._limits.workers, thread_name_prefix="ferry-copy", initializer=_inherit, initargs=(copy_context(),)
        )
        try:
            is_finished = self._copy_pages(pool, on_page)
        except BaseException as error:
            self._stop.give()
            if isinstance(error, CopyStopped):
                self._settle()
            # A request under way may take its time; whoever goes on later finds its blob and knows it for ours.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown(wait=True)
        return is_finished

    def _copy_pages(self, pool: ThreadPoolExecutor, on_page: Callable[[], None]) -> bool:
        pages = self._source.pages(after=self._checkpoint.after)
        while True:
            page = self._result(pool.submit(next, pages, None))
            if page is None:
                return True
            on_page()
            if not self._copy_page(pool, page):
                return False
            if page.next_marker is None:
                return True
            self._checkpoint.turn_page(page.next_marker)
            if time.monotonic() >= self._until:
                return False

    def _copy_page(self, pool: ThreadPoolExecutor, page: BlobPage) -> bool:
        checkpoint = self._checkpoint
        was_attempted = checkpoint.page_attempt > 0
        is_only = checkpoint.after is None and page.next_marker is None and len(page.items) == 1
        checkpoint.page_attempt += 1
        self._was_attempted = was_attempted
        self._save()
        for item in checkpoint.remaining(page.items):
            blob = SourceBlob(item, self._sink.target_name(item.name, is_only=is_only))
            self._waiting.append((blob, pool.submit(self._put, blob)))
        while self._waiting:
            blob, future = self._waiting[0]
            if future.cancelled():
                self._waiting.clear()
                return False
            self._account_for(blob, self._result(future), was_attempted=was_attempted)
            self._waiting.popleft()
        return True

    def _settle(self) -> None:
        """Account for what was under way when the stop came, so that whoever goes on does not ask for it again."""
        until = time.monotonic() + self._limits.settle_seconds
        while self._waiting:
            blob, future = self._waiting[0]
            is_done = bool(wait_for([future], timeout=max(0.0, until - time.monotonic())).done)
            if not is_done or future.cancelled() or future.exception() is not None:
                return
            if future.result() is PutOutcome.EXISTS and not self._was_attempted:
                return
            self._checkpoint.done(blob)
            self._waiting.popleft()

    def _account_for(self, blob: SourceBlob, outcome: PutOutcome, *, was_attempted: bool) -> None:
        if outcome is PutOutcome.EXISTS and not was_attempted:
            self._keep(
                EffectFailed.because(
                    FaultCode.DESTINATION_EXISTS,
                    f"blob {blob.target_name!r} exists at the destination and is not overwritten; "
                    "start again with another folder or container",
                    step=_STEP,
                )
            )
            self._fail()
        self._checkpoint.done(blob)

    def _put(self, blob: SourceBlob) -> PutOutcome:
        self._stop.check()
        try:
            return self._sink.put(self._source, blob)
        except CopyStopped:
            raise
        except Exception as error:
            self._keep(error)
            raise

    def _result[T](self, future: Future[T]) -> T:
        """What the future gives. Meanwhile the flow is kept alive, and what has not begun is cut off at the end."""
        while True:
            if time.monotonic() - self._reported_at >= self._limits.heartbeat_seconds:
                self._save()
            if time.monotonic() >= self._until:
                self._cut()
            if wait_for([future], timeout=self._next_look_seconds()).done:
                break
            if self._error is not None:
                self._fail()
        try:
            return future.result()
        except CopyStopped:
            if self._error is None:
                raise
        except Exception as error:
            self._keep(error)
        self._fail()
        raise CopyStopped

    def _next_look_seconds(self) -> float:
        now = time.monotonic()
        due_at = self._reported_at + self._limits.heartbeat_seconds
        if now < self._until:
            due_at = min(due_at, self._until)
        return max(0.01, min(due_at - now, 1.0))

    def _cut(self) -> None:
        """Take back what no worker has begun, but for the first: every slice gets on by one blob at least."""
        for _, future in reversed(self._waiting):
            if future is not self._waiting[0][1]:
                future.cancel()

    def _keep(self, error: Exception) -> None:
        """The first error is the one that is told; the other workers stop."""
        with self._error_lock:
            self._error = self._error or error
        self._stop.give()

    def _fail(self) -> None:
        if self._error is None:
            return
        if not self._report():
            raise CopyStopped
        raise self._error

    def _save(self) -> None:
        self._reported_at = time.monotonic()
        if not self._report():
            self._stop.give()
            raise CopyStopped


def _inherit(context: Context) -> None:
    """Give a worker thread its caller's context, so that what it logs names process and trace."""
    for variable, value in context.items():
        variable.set(value)
