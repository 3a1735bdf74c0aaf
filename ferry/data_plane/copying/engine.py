"""CopyEngine: copies pages of blobs on an event loop of its own, for callers in any thread (design section 5)."""

import concurrent.futures
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future

from ferry.data_plane.copying.budget import ByteBudget
from ferry.data_plane.copying.failures import CopyStopped
from ferry.data_plane.copying.gate import Gates
from ferry.data_plane.copying.job import Shared
from ferry.data_plane.copying.loop import LoopThread
from ferry.data_plane.copying.options import EngineOptions
from ferry.data_plane.copying.page import PageOrder, PageState
from ferry.data_plane.copying.page_run import Ending, PageRun
from ferry.data_plane.copying.sending import Sender
from ferry.data_plane.copying.verdicts import CopyVerdicts

__all__ = ["CopyEngine", "CopyStopped", "EngineOptions"]

type Tell = Callable[[PageState], bool]


class CopyEngine:
    """One per process: all its copies share the pace of each endpoint, the verdicts of each pair, and the byte budget.

    `at_close` is awaited on the loop when it ends, to close the connections of the sides.
    """

    def __init__(
        self, options: EngineOptions | None = None, *, at_close: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self.options = options or EngineOptions()
        self.verdicts = CopyVerdicts()
        self.budget = ByteBudget(self.options.memory_bytes)
        self._gates = Gates(self.options.window_cap)
        self._loop = LoopThread(at_close)

    def run(self, order: PageOrder, state: PageState, *, tell: Tell, tell_seconds: float = 1.0) -> bool:
        """Copy what is left of the page. True: all is done; False: the slice is over.

        `state` changes in this thread only, just before `tell` sees it. `tell` saves it and says whether to go on; it
        is called about every `tell_seconds`, and at the end. Raises CopyStopped when it said no (what was under way is
        accounted for in `state`), EffectFailed after the state was told.
        """
        live = state.copy()
        run = self._loop.submit(self._prepare(order, live)).result()
        work = self._loop.submit(run.work())
        try:
            self._watch(work, live, state, tell=tell, tell_seconds=tell_seconds)
        except BaseException:
            self._loop.loop.call_soon_threadsafe(run.stop)
            concurrent.futures.wait([work])
            state.take(live)
            raise
        error = work.exception()
        state.take(live)
        if not tell(state):
            raise CopyStopped
        if error is not None:
            raise error
        return work.result() is Ending.DONE

    def call[T](self, coroutine: Coroutine[object, object, T]) -> T:
        """Run one coroutine on the loop, and give its result."""
        return self._loop.submit(coroutine).result()

    def close(self) -> None:
        """End the loop, with everything that still runs on it."""
        self._loop.close()

    def _watch(
        self, work: Future[Ending], live: PageState, state: PageState, *, tell: Tell, tell_seconds: float
    ) -> None:
        """Tell how far it is until it ends. Raises CopyStopped."""
        while True:
            concurrent.futures.wait([work], timeout=tell_seconds)
            if work.done():
                return
            state.take(self._loop.submit(_snapshot(live)).result())
            if not tell(state):
                raise CopyStopped

    async def _prepare(self, order: PageOrder, live: PageState) -> PageRun:
        source, destination = order.source, order.destination
        reading = self._gates.of(source.endpoint, writes=False)
        writing = self._gates.of(destination.endpoint, writes=True)
        sender = Sender(source, destination, gates=(reading, writing), options=self.options)
        verdict = self.verdicts.of(source.endpoint, destination.endpoint)
        shared = Shared(sender, verdict, self.budget, self.options)
        return PageRun(order, live, shared, (reading, writing))


async def _snapshot(live: PageState) -> PageState:
    """The state between two steps of the loop, when nothing is half changed."""
    return live.copy()
