"""Points where a process can die, and the proxies around every port that make it die there.

A point is named by side, port, method, and how often that was called before, so that it means the same in each run. A
life that has ended cannot act any more: threads that still run in it die at their next call to the outside.
"""

import threading
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from ferry.domain.faults import EffectFailed, FaultCode
from ferry.ports.copying import BlobTarget
from ferry.ports.peer import PeerAnswer
from ferry.ports.storage_failure import StorageFailed, StorageProblem
from ferry.services.outside import Outside

# What only reads our own documents: dying there is dying after the effect before it.
READS = frozenset({"load", "due", "rows", "history", "get_definition", "all", "query", "ids", "index_rows", "read"})
PORTS = (
    "transfers",
    "negotiations",
    "flows",
    "pages",
    "manifests",
    "agreements",
    "queue",
    "vault",
    "storage",
    "blobs",
    "peer",
    "plane_peer",
)
DEFINITIONS = frozenset({"agreements"})


class When(StrEnum):
    """What goes wrong: the process dies before or after an effect; the effect fails, or was done and seems to fail."""

    BEFORE = "before"
    AFTER = "after"
    FAILS = "instead of"
    LOST = "with the answer lost of"


DEATHS = (When.BEFORE, When.AFTER)
FAILURES = (When.FAILS, When.LOST)


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """The `number`-th time (from 1) that this side does this."""

    side: str
    effect: str
    number: int

    def __str__(self) -> str:
        return f"{self.side} {self.effect} #{self.number}"


class Crash(BaseException):
    """The process is gone, with everything on its stacks."""

    def __init__(self, life: "Life") -> None:
        super().__init__(f"{life.side} has crashed")
        self.life = life


@dataclass(slots=True)
class CrashPlan:
    """Which effects there were, and where a process is to die: at `target`, and once more so many effects later."""

    target: tuple[Point, When] | None = None
    again_after: int = 0
    is_armed: bool = False
    seen: list[Point] = field(default_factory=list[Point])
    crashes: int = 0
    _counts: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def reached(self, side: str, effect: str) -> Point:
        """The point that this effect is."""
        with self._lock:
            self._counts[side, effect] += 1
            point = Point(side, effect, self._counts[side, effect])
            if self.is_armed:
                self.seen.append(point)
            return point

    def strikes(self, point: Point, when: When) -> bool:
        """Whether the process dies here."""
        with self._lock:
            if not self.is_armed:
                return False
            is_hit = self.target == (point, when)
            if self.crashes and self.again_after and when is When.BEFORE:
                self.again_after -= 1
                is_hit = self.again_after == 0
            self.crashes += is_hit
            return is_hit


class Life:
    """One life of one process: from its start to its crash."""

    def __init__(self, side: str, plan: CrashPlan) -> None:
        self.side = side
        self.plan = plan
        self.is_over = False
        self._answering: Counter[int] = Counter()

    def do[T](self, effect: str, action: Callable[[], T]) -> T:
        """Perform an effect, unless the process dies before; what was done is done if it dies after."""
        self.check()
        point = self.plan.reached(self.side, effect)
        self.pass_point(point, When.BEFORE)
        self._fail(point, When.FAILS)
        try:
            result = action()
        except Exception:
            self.pass_point(point, When.AFTER)
            raise
        self.pass_point(point, When.AFTER)
        self._fail(point, When.LOST)
        return result

    @contextmanager
    def answering(self) -> Generator[None]:
        """While a request of a peer is answered by this thread."""
        thread = threading.get_ident()
        self._answering[thread] += 1
        try:
            yield
        finally:
            self._answering[thread] -= 1

    @property
    def is_answering(self) -> bool:
        """Whether this thread is answering a peer."""
        return self._answering[threading.get_ident()] > 0

    def check(self) -> None:
        """Raise Crash if this life is over."""
        if self.is_over:
            raise Crash(self)

    def _fail(self, point: Point, when: When) -> None:
        if self.plan.strikes(point, when):
            port, _, method = point.effect.partition(".")
            raise _failure(port, f"{method} is not answered; trying again may help")

    def pass_point(self, point: Point, when: When) -> None:
        """Die here if it is planned. Raises Crash."""
        if self.plan.strikes(point, when):
            self.is_over = True
        self.check()


def _failure(port: str, message: str) -> EffectFailed:
    """How each port says that it is away for a moment."""
    if port == "storage":
        return StorageFailed(StorageProblem.UNAVAILABLE, message)
    codes = {
        "vault": FaultCode.VAULT_UNAVAILABLE,
        "blobs": FaultCode.DESTINATION_UNAVAILABLE,
        "peer": FaultCode.PEER_UNREACHABLE,
        "plane_peer": FaultCode.PEER_UNREACHABLE,
    }
    return EffectFailed.because(codes.get(port, FaultCode.STORAGE_UNAVAILABLE), message, retryable=True)


class GuardedPort:
    """A port as a process sees it that can die: each call is a point, but for those that only read documents."""

    def __init__(self, inner: object, port: str, life: Life) -> None:
        self.inner = inner
        self._port = port
        self._life = life

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self.inner, name)
        is_read = name in READS or (name == "get" and self._port in DEFINITIONS)

        def call(*args: Any, **kwargs: Any) -> Any:
            if is_read:
                self._life.check()
                return method(*args, **kwargs)
            return self._life.do(self._effect(name, args), lambda: method(*args, **kwargs))

        return call

    def _effect(self, name: str, args: tuple[Any, ...]) -> str:
        target = args[0] if args else None
        # Blobs are written by several threads at once; by name the points are the same in each run.
        return f"{self._port}.{name}({target.name})" if isinstance(target, BlobTarget) else f"{self._port}.{name}"


class GuardedPeer(GuardedPort):
    """The way to peers: never to be used while a peer's request is being answered."""

    def __init__(self, inner: object, port: str, life: Life) -> None:
        super().__init__(inner, port, life)
        self._guarded_life = life

    def post(self, url: str, body: Mapping[str, Any], **kwargs: Any) -> PeerAnswer:
        """POST, unless a handler of a peer's message does it."""
        if self._guarded_life.is_answering:
            raise AssertionError(f"{self._guarded_life.side} sends to {url} while it answers a peer")
        answer: PeerAnswer = self.__getattr__("post")(url, body, **kwargs)
        return answer


def guarded(outside: Outside, life: Life) -> Outside:
    """The same outside things, each call of which is a point of this life."""
    names = {it.name for it in fields(outside)}
    assert names >= set(PORTS), "a port has been renamed"
    changes: dict[str, Any] = {name: GuardedPort(getattr(outside, name), name, life) for name in PORTS}
    # The copy's requests run on a loop of their own.
    from tests.crash.sides import GuardedSides

    changes["sides"] = GuardedSides(outside.sides, life)
    changes["peer"] = GuardedPeer(outside.peer, "peer", life)
    changes["plane_peer"] = GuardedPeer(outside.plane_peer, "plane_peer", life)
    return replace(outside, **changes)
