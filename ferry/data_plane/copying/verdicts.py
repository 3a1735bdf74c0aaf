"""What is known of each pair of accounts: which server-side copies work between them, found out by one blob for all.

For one event loop. What is refused is forgotten after a while, because firewalls and rights change.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from enum import StrEnum

_REFUSED_SECONDS = 3600.0
_DOUBTFUL_SECONDS = 300.0
# A copy that has worked before may fail for one blob's sake; so often in a row it fails for the pair's.
_LOSES_TRUST_AFTER = 3


class CopyMethod(StrEnum):
    """The ways to copy a blob."""

    PUT_FROM_URL = "put_from_url"
    COPY_FROM_URL = "copy_from_url"
    BLOCKS_FROM_URL = "blocks_from_url"
    APPEND_FROM_URL = "append_from_url"
    PAGES_FROM_URL = "pages_from_url"
    STREAM = "stream"


SERVER_SIDE = tuple(method for method in CopyMethod if method is not CopyMethod.STREAM)


class PairVerdict:
    """One pair of endpoints. `probing` is held by the one blob that tries a method of which nothing is known."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self.probing = asyncio.Lock()
        self._now = now
        self._proven: set[CopyMethod] = set()
        self._refused_until: dict[CopyMethod, float] = {}
        self._failures: dict[CopyMethod, int] = {}
        self._probed_at = now()

    def probe(self) -> None:
        """Whoever holds `probing` begins to try a method."""
        self._probed_at = self._now()

    def probed_seconds(self) -> float:
        """For how long the one that holds `probing` has tried it; 0 where nobody does."""
        return self._now() - self._probed_at if self.probing.locked() else 0.0

    def is_proven(self, method: CopyMethod) -> bool:
        """Whether it has worked."""
        return method in self._proven

    def is_refused(self, method: CopyMethod) -> bool:
        """Whether it is known not to work now."""
        until = self._refused_until.get(method)
        if until is None:
            return False
        if self._now() < until:
            return True
        del self._refused_until[method]
        return False

    def works(self, method: CopyMethod) -> None:
        """It has just worked."""
        self._proven.add(method)
        if self._failures:
            self._failures.pop(method, None)

    def refuse(self, methods: Iterable[CopyMethod], *, is_doubtful: bool = False) -> None:
        """They were refused. `is_doubtful`: it may have been an accident, so look again soon."""
        until = self._now() + (_DOUBTFUL_SECONDS if is_doubtful else _REFUSED_SECONDS)
        for method in methods:
            if method in self._proven:
                self._failures[method] = self._failures.get(method, 0) + 1
                if self._failures[method] < _LOSES_TRUST_AFTER:
                    continue
                self._proven.discard(method)
                del self._failures[method]
            self._refused_until[method] = until

    def forget_refusals(self) -> None:
        """What looked like a refusal of copies may have been one of us: the bytes themselves were refused, too."""
        self._refused_until.clear()


class CopyVerdicts:
    """The verdicts of a process, by endpoints of source and destination."""

    def __init__(self) -> None:
        self._pairs: dict[tuple[str, str], PairVerdict] = {}

    def of(self, source_endpoint: str, destination_endpoint: str) -> PairVerdict:
        """That pair's."""
        pair = (source_endpoint, destination_endpoint)
        verdict = self._pairs.get(pair)
        if verdict is None:
            verdict = self._pairs[pair] = PairVerdict()
        return verdict
