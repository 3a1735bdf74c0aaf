"""What the sinks of one process share: which server-side copy works between two accounts, and the bytes in flight."""

import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

DEFAULT_STREAM_BYTES = 96 * 1024 * 1024
_VERDICT_SECONDS = 3600.0
_LOOK_SECONDS = 0.5


class CopyMethod(StrEnum):
    """The ways to copy a blob, best first."""

    PUT_FROM_URL = "put_from_url"
    COPY_FROM_URL = "copy_from_url"
    STREAM = "stream"


@dataclass(frozen=True, slots=True)
class AccountPair:
    """From which account to which, by their endpoints."""

    source: str
    destination: str


@dataclass(slots=True)
class _Verdict:
    lock: threading.Lock = field(default_factory=threading.Lock)
    refused: frozenset[CopyMethod] = frozenset()
    proven: frozenset[CopyMethod] = frozenset()
    valid_until: float = 0.0


class Probe:
    """Leave to try the methods of a pair. While nothing is known of the pair only one thread has it."""

    def __init__(self, verdict: _Verdict, *, is_known: bool) -> None:
        self._verdict = verdict
        self._is_held = not is_known
        self.refused = verdict.refused if is_known else frozenset[CopyMethod]()

    def settle(self, refused: Iterable[CopyMethod], works: CopyMethod) -> None:
        """Remember which methods were refused, and the one that works.

        One that has worked between these accounts before was refused for this blob's sake, or for the moment's.
        """
        news = frozenset(refused) - self._verdict.proven
        self._verdict.proven |= {works}
        if self._is_held or news:
            self._verdict.refused = self.refused | news
            self._verdict.valid_until = time.monotonic() + _VERDICT_SECONDS
        self.release()

    def forget(self) -> None:
        """What was remembered of this pair is doubtful."""
        self._verdict.refused, self._verdict.valid_until = frozenset(), 0.0

    def release(self) -> None:
        """Let the next thread try, whatever has come of it."""
        if self._is_held:
            self._is_held = False
            self._verdict.lock.release()


class CopyVerdicts:
    """Per pair of accounts, the server-side methods that are refused. Forgotten after an hour: rules change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._verdicts: dict[AccountPair, _Verdict] = {}

    def refused(self, pair: AccountPair) -> frozenset[CopyMethod] | None:
        """What is known not to work; None where nothing is known."""
        with self._lock:
            verdict = self._verdicts.get(pair)
        return verdict.refused if verdict is not None and _is_valid(verdict) else None

    @contextmanager
    def probe(self, pair: AccountPair) -> Generator[Probe]:
        """Try the methods of a pair, alone as long as nothing is known of it, so that one blob finds out for all."""
        with self._lock:
            verdict = self._verdicts.setdefault(pair, _Verdict())
        is_known = _is_valid(verdict)
        if not is_known:
            verdict.lock.acquire()
            if _is_valid(verdict):
                verdict.lock.release()
                is_known = True
            else:
                verdict.refused = verdict.proven = frozenset()
        probe = Probe(verdict, is_known=is_known)
        try:
            yield probe
        finally:
            probe.release()


class ByteBudget:
    """How many bytes may be in memory at once, over all streams of the process."""

    def __init__(self, limit_bytes: int = DEFAULT_STREAM_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._used_bytes = 0
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, size_bytes: int, while_waiting: Callable[[], None]) -> Generator[None]:
        """Wait until so much is free, then hold it. `while_waiting` is called now and then and may raise.

        More than there is at all is granted alone.
        """
        with self._changed:
            while self._used_bytes and self._used_bytes + size_bytes > self._limit_bytes:
                while_waiting()
                self._changed.wait(_LOOK_SECONDS)
            self._used_bytes += size_bytes
        try:
            yield
        finally:
            with self._changed:
                self._used_bytes -= size_bytes
                self._changed.notify_all()


def _is_valid(verdict: _Verdict) -> bool:
    return time.monotonic() < verdict.valid_until
