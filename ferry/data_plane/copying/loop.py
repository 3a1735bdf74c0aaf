"""LoopThread: an event loop in a daemon thread of its own, begun at its first use, for callers in any thread."""

import asyncio
import threading
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Future


class LoopThread:
    """Ends with `close`, or when nobody holds it any more; `at_end` is awaited on it then, last of all."""

    def __init__(self, at_end: Callable[[], Awaitable[None]] | None = None) -> None:
        self._at_end = at_end
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: weakref.finalize[[asyncio.AbstractEventLoop], LoopThread] | None = None
        self._thread: threading.Thread | None = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop, running."""
        with self._lock:
            if self._loop is None:
                loop = self._loop = _new_loop()
                self._thread = threading.Thread(target=_run, args=(loop, self._at_end), name="ferry-copy", daemon=True)
                self._end = weakref.finalize(self, _stop, loop)
                self._thread.start()
            return self._loop

    def submit[T](self, coroutine: Coroutine[object, object, T]) -> Future[T]:
        """Run it on the loop, in the caller's context."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def close(self) -> None:
        """End the loop; a later use begins another one."""
        with self._lock:
            end, thread = self._end, self._thread
            self._loop = self._end = self._thread = None
        if end is not None:
            end()
        if thread is not None and thread is not threading.current_thread():
            thread.join()


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _run(loop: asyncio.AbstractEventLoop, at_end: Callable[[], Awaitable[None]] | None) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        if at_end is not None:
            loop.run_until_complete(at_end())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _stop(loop: asyncio.AbstractEventLoop) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(loop.stop)
