"""The sides of a copy as a process sees them that can die: each request is a point, also on the copy's own loop."""

from collections.abc import Awaitable, Callable
from typing import Any

from ferry.domain.secret import Secret
from ferry.ports.blob_sides import BlobSides, WireLost
from ferry.ports.storage import Account
from tests.crash.points import Life, When

# What writes, or asks the service; all else is an answer from memory.
_REQUESTS = frozenset(
    {
        "list_page",
        "head",
        "read",
        "put_from_url",
        "copy_from_url",
        "put",
        "stage_from_url",
        "stage",
        "commit",
    }
)
# Blobs are written several at once; by name the points are the same in each run.
_NAMED = _REQUESTS - {"list_page"}


class GuardedSides:
    """ports.blob_sides.BlobSides, each request of which is a point of one life."""

    def __init__(self, inner: BlobSides, life: Life) -> None:
        self.inner = inner
        self._life = life

    def source(self, account: Account, container: str, *, gives_urls: bool) -> "GuardedSide":
        """A container of ours."""
        return GuardedSide(self.inner.source(account, container, gives_urls=gives_urls), self._life)

    def source_at(self, address: Secret) -> "GuardedSide":
        """What an address names."""
        return GuardedSide(self.inner.source_at(address), self._life)

    def destination(self, endpoint: str, container: str, sas: Secret) -> "GuardedSide":
        """A container for which a SAS is held."""
        return GuardedSide(self.inner.destination(endpoint, container, sas), self._life)

    async def close(self) -> None:
        """Whatever is open."""
        await self.inner.close()


class GuardedSide:
    """One side."""

    def __init__(self, inner: object, life: Life) -> None:
        self._inner = inner
        self._life = life

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in _REQUESTS:
            return found

        async def ask(*args: Any, **kwargs: Any) -> Any:
            blob = f"({getattr(args[0], 'name', args[0])})" if name in _NAMED else ""
            return await _do(self._life, f"sides.{name}{blob}", lambda: found(*args, **kwargs))

        return ask


async def _do[T](life: Life, effect: str, action: Callable[[], Awaitable[T]]) -> T:
    """As Life.do. A request that fails is one whose connection broke."""
    life.check()
    point = life.plan.reached(life.side, effect)
    life.pass_point(point, When.BEFORE)
    if life.plan.strikes(point, When.FAILS):
        raise WireLost("the connection was refused", was_sent=False)
    try:
        result = await action()
    except Exception:
        life.pass_point(point, When.AFTER)
        raise
    life.pass_point(point, When.AFTER)
    if life.plan.strikes(point, When.LOST):
        raise WireLost("the connection broke", was_sent=True)
    return result
