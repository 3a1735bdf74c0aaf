"""BlobMd5: the MD5 of a blob whose blocks come in any order, computed aside from the event loop."""

import asyncio
import hashlib

_INLINE_BYTES = 64 * 1024


class BlobMd5:
    """Blocks are taken in order: `add` returns when this block was, so its bytes are held no longer than needed."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._next = 0
        self._turns: dict[int, asyncio.Future[None]] = {}
        self._is_closed = False

    async def add(self, index: int, content: bytes) -> None:
        """Take a block when all before it were."""
        if self._next != index and not self._is_closed:
            turn = self._turns[index] = asyncio.get_running_loop().create_future()
            await turn
        if self._is_closed:
            return
        if len(content) <= _INLINE_BYTES:
            self._md5.update(content)
        else:
            await asyncio.get_running_loop().run_in_executor(None, self._md5.update, content)
        self._next += 1
        turn = self._turns.pop(self._next, None)
        if turn is not None and not turn.done():
            turn.set_result(None)

    def close(self) -> None:
        """No more blocks will come: let go of all who wait."""
        self._is_closed = True
        for turn in self._turns.values():
            if not turn.done():
                turn.set_result(None)
        self._turns.clear()

    def digest(self, count: int) -> bytes | None:
        """The MD5 of all blocks; None where not all of them were taken."""
        return self._md5.digest() if self._next == count and not self._is_closed else None
