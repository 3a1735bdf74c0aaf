"""Reads and listings of a command: tried again where the service is busy or the connection was lost."""

import asyncio
from collections.abc import Callable, Coroutine

from ferry.ports.blob_sides import WireLost, WireRefused

_TRIES = 6
_FIRST_PAUSE_SECONDS = 0.5
_PASSING = frozenset({408, 429, 500, 502, 503, 504})


async def tried[T](ask: Callable[[], Coroutine[None, None, T]]) -> T:
    """What a read gives. Raises WireRefused, WireLost after the last try."""
    for attempt in range(_TRIES):
        try:
            return await ask()
        except WireRefused as refused:
            if refused.answer.status not in _PASSING or attempt == _TRIES - 1:
                raise
        except WireLost:
            if attempt == _TRIES - 1:
                raise
        await asyncio.sleep(_FIRST_PAUSE_SECONDS * 2**attempt)
    raise AssertionError("the last attempt returns or raises")
