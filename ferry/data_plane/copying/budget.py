"""ByteBudget: how many bytes may be in memory at once, over all copies of the process. For one event loop."""

import asyncio
from collections import deque

from ferry.data_plane.copying.blocks import MIB

DEFAULT_BYTES = 96 * MIB


class ByteBudget:
    """First come, first served, so that the blocks of a blob get theirs in order. `peak_bytes` is the most ever held.

    More than there is at all is granted alone.
    """

    def __init__(self, limit_bytes: int = DEFAULT_BYTES) -> None:
        self.peak_bytes = 0
        self._limit_bytes = limit_bytes
        self._used_bytes = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, size_bytes: int) -> None:
        """Wait until so much is free, then hold it."""
        if not self._waiting and self._has(size_bytes):
            self._hold(size_bytes)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((size_bytes, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._grant()
            else:
                self.give_back(size_bytes)
            raise

    def give_back(self, size_bytes: int) -> None:
        """So much is free again."""
        self._used_bytes -= size_bytes
        self._grant()

    def _grant(self) -> None:
        while self._waiting:
            size_bytes, turn = self._waiting[0]
            if turn.cancelled():
                self._waiting.popleft()
                continue
            if not self._has(size_bytes):
                return
            self._waiting.popleft()
            self._hold(size_bytes)
            turn.set_result(None)

    def _has(self, size_bytes: int) -> bool:
        return self._used_bytes == 0 or self._used_bytes + size_bytes <= self._limit_bytes

    def _hold(self, size_bytes: int) -> None:
        self._used_bytes += size_bytes
        self.peak_bytes = max(self.peak_bytes, self._used_bytes)
