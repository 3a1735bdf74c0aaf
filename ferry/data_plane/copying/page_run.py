"""PageRun: the workers of one order on the event loop, from the first request to the last one that is awaited."""

import asyncio
import time
import traceback
from collections import deque
from collections.abc import Awaitable, Callable
from enum import Enum

from ferry.data_plane.copying.failures import Halted, RangesIgnored, SourceChanged
from ferry.data_plane.copying.gate import Gate
from ferry.data_plane.copying.job import CopyJob, Shared
from ferry.data_plane.copying.large import LargeCopy, commit_parts
from ferry.data_plane.copying.one_pass import copy_one_pass
from ferry.data_plane.copying.page import PageOrder, PageState
from ferry.data_plane.copying.sending import Slot
from ferry.data_plane.copying.typed import TypedCopy, check_types, is_typed
from ferry.data_plane.copying.whole import copy_whole

_LOOK_SECONDS = 0.1


class Ending(Enum):
    """How a run ended that has not failed."""

    DONE = "done"
    SLICE_OVER = "slice over"
    STOPPED = "stopped"


class PageRun:
    """One run of one order. All of it happens on the event loop."""

    def __init__(self, order: PageOrder, state: PageState, shared: Shared, gates: tuple[Gate, Gate]) -> None:
        self.job = CopyJob(order, state, shared, self._put)
        self._options = shared.options
        self._gates = gates
        self._gate = gates[1]
        self._small: deque[int] = deque()
        self._large: deque[int] = deque()
        self._open: deque[LargeCopy | TypedCopy] = deque()
        self._workers: dict[asyncio.Task[None], Slot] = {}
        self._timers: list[asyncio.TimerHandle] = []
        self._looking: deque[asyncio.TimerHandle] = deque(maxlen=1)
        self._ended = asyncio.Event()
        self._error: BaseException | None = None
        self._is_closing = False
        self._is_stopped = False
        self._taken = 0
        self._finished = 0
        self._is_turn_of_large = False

    async def work(self) -> Ending:
        """Copy until all is done, the slice is over, or `stop` was called. Raises EffectFailed."""
        seconds = max(0.0, self.job.order.until - time.monotonic())
        self._in(seconds, self._close)
        self._gate.orders += 1
        self._spawn(self._begin)
        self._look()
        try:
            await self._ended.wait()
        finally:
            self._gate.orders -= 1
            self.job.state.may_have_written |= self.job.sender.may_have_written
            for timer in (*self._timers, *self._looking):
                timer.cancel()
            self._looking.clear()
            # Else the run, its timers and its job hold each other, with the whole page, until there is a collection.
            self._timers.clear()
            self.job.again = _ignored
        if self._error is not None:
            raise self._error
        if self._is_stopped:
            return Ending.STOPPED
        return Ending.DONE if self.job.is_all_done() else Ending.SLICE_OVER

    def stop(self) -> None:
        """Send nothing new; what is under way is awaited for a moment."""
        self._is_stopped = True
        self._halt()
        self._in(self._options.settle_seconds, self._abandon)

    async def _begin(self, slot: Slot) -> None:
        """Look at what is left to do, and refuse what cannot be done before anything is."""
        job = self.job
        left = [index for index in range(len(job.order.blobs)) if index not in job.state.done]
        if not left:
            return
        if job.order.commits:
            await commit_parts(job, slot)
            return
        await job.sender.ask(job.order.source.prepare, job.order.blobs[left[0]].item.name, slot)
        typed = [index for index in left if is_typed(job.blob(index))]
        if typed:
            await check_types(job, typed, slot)
        for index in left:
            self._put(index)

    def _put(self, index: int) -> None:
        job = self.job
        is_large = is_typed(job.blob(index)) or not (index in job.one_pass or job.is_whole(index))
        (self._large if is_large else self._small).append(index)

    def _spawn(self, begin: Callable[[Slot], Awaitable[None]] | None = None) -> None:
        slot = Slot()
        task = asyncio.get_running_loop().create_task(self._worker(slot, begin))
        self._workers[task] = slot
        task.add_done_callback(self._left)

    async def _worker(self, slot: Slot, begin: Callable[[Slot], Awaitable[None]] | None) -> None:
        if begin is not None:
            await begin(slot)
        while (unit := self._next(slot)) is not None:
            if self._needs_more() and self._has_work():
                self._spawn()
            await unit
            self._finished += 1
            if self._is_one_too_many():
                return

    def _look(self) -> None:
        """Now and then: who is at work may be so for long, and does not see that the window is wider."""
        self._looking.append(asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look))
        for gate in self._gates:
            gate.look()
        if self._has_work() and self._needs_more():
            self._spawn()

    def _needs_more(self) -> bool:
        """One order alone fills the window; several share it, and one takes what the others leave."""
        workers, gate = len(self._workers), self._gate
        return workers < gate.share() or (workers < gate.pace.window and gate.has_room)

    def _is_one_too_many(self) -> bool:
        """Workers over the share leave where others wait, but for the last one."""
        gate = self._gate
        return gate.orders > 1 and len(self._workers) > max(1.0, gate.share()) and not gate.has_room

    def _left(self, worker: asyncio.Task[None]) -> None:
        del self._workers[worker]
        if not worker.cancelled():
            error = worker.exception()
            if error is not None:
                # Its frames hold blocks, and would for as long as somebody holds the error.
                traceback.clear_frames(error.__traceback__)
            if error is not None and not isinstance(error, Halted) and self._error is None:
                self._error = error
                self._halt()
                self._in(self._options.settle_seconds, self._abandon)
        if not self._workers:
            self._ended.set()

    def _next(self, slot: Slot) -> Awaitable[None] | None:
        """The next piece of work: small blobs and blocks of large ones in turn. Every slice does one at least."""
        if self.job.sender.is_halted or (self._is_closing and self._taken):
            return None
        self._taken += 1
        self._is_turn_of_large = not self._is_turn_of_large
        if self._small and not (self._is_turn_of_large and (self._open or self._large)):
            return self._copy_small(self._small.popleft(), slot)
        while self._open:
            large = self._open[0]
            if large.pending:
                self._open.rotate(-1)
                return large.copy_block(large.pending.popleft(), slot)
            self._open.popleft()
        if self._large:
            return self._open_large(self._large.popleft(), slot)
        if self._small:
            return self._copy_small(self._small.popleft(), slot)
        self._taken -= 1
        return None

    def _has_work(self) -> bool:
        return bool(self._small or self._large) or any(large.pending for large in self._open)

    async def _copy_small(self, index: int, slot: Slot) -> None:
        job = self.job
        try:
            await (copy_one_pass if index in job.one_pass else copy_whole)(job, index, slot)
        except SourceChanged:
            await job.renew(index, slot)
            self._put(index)
        except RangesIgnored:
            job.one_pass.add(index)
            self._put(index)

    async def _open_large(self, index: int, slot: Slot) -> None:
        large = TypedCopy(self.job, index) if is_typed(self.job.blob(index)) else LargeCopy(self.job, index)
        try:
            await large.open(slot)
        except SourceChanged:
            await self.job.renew(index, slot)
            self._put(index)
            return
        except RangesIgnored:
            self.job.one_pass.add(index)
            self._put(index)
            return
        if large.pending:
            self._open.append(large)

    def _close(self) -> None:
        """The slice is over: begin nothing new."""
        self._is_closing = True
        self._in(self._options.finish_seconds, self._finish_up)
        self._in(self._options.drain_seconds, self._abandon)

    def _finish_up(self) -> None:
        if self._finished:
            self._halt()

    def _halt(self) -> None:
        self.job.sender.is_halted = True
        for worker, slot in self._workers.items():
            if not slot.is_at_wire:
                worker.cancel()

    def _abandon(self) -> None:
        for worker in self._workers:
            worker.cancel()

    def _in(self, seconds: float, what: Callable[[], None]) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, what))


def _ignored(index: int) -> None:
    del index
