"""Gate: lets requests to one endpoint through as its pace allows; for one event loop, shared by all its copies."""

import asyncio
import time
from collections import deque

from ferry.data_plane.copying.pace import Pace, Told

_LEAST_SLEEP_SECONDS = 0.001


class Gate:
    """Who enters must tell how it ended: `left`. `orders`: how many are copied there now; each counts itself."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.orders = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def has_room(self) -> bool:
        """Whether one more would find the window open. When it may be sent is another thing."""
        return self.pace.in_flight + len(self._waiting) < self.pace.window

    def share(self) -> float:
        """The part of the window that each of the orders gets that are copied now."""
        return self.pace.window / max(1, self.orders)

    def try_enter(self, now: float) -> bool:
        """Enter at once (`now` is time.monotonic) where that is allowed."""
        if self._waiting or self.pace.wait_seconds(now) != 0.0:
            return False
        self.pace.sent(now)
        return True

    async def enter(self) -> None:
        """Enter when it is allowed, in turn."""
        if self.try_enter(time.monotonic()):
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                now = time.monotonic()
                self.left(Told.OTHER, sent_at=now, now=now)
            raise

    def left(self, told: Told, *, sent_at: float, now: float, is_small: bool = True) -> None:
        """The request that entered at `sent_at` (time.monotonic) was answered, or given up."""
        self.pace.answered(told, sent_at=sent_at, now=now, is_small=is_small)
        if self._waiting:
            self._admit()

    def look(self) -> None:
        """Now and then, while something is under way: see whether there is room for more."""
        self.pace.look(time.monotonic())
        if self._waiting:
            self._admit()

    def pause(self, seconds: float) -> None:
        """Let nobody through for so long: the endpoint said so."""
        self.pace.pause(time.monotonic() + seconds)

    def _admit(self) -> None:
        while self._waiting:
            if self._waiting[0].cancelled():
                self._waiting.popleft()
                continue
            now = time.monotonic()
            wait_seconds = self.pace.wait_seconds(now)
            if wait_seconds is None:
                return
            if wait_seconds > 0.0:
                self._wake_in(wait_seconds)
                return
            self.pace.sent(now)
            self._waiting.popleft().set_result(None)

    def _wake_in(self, seconds: float) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(seconds, _LEAST_SLEEP_SECONDS), self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._admit()


class Gates:
    """The gates of a process, by endpoint and direction: what an account reads is limited apart from what it writes."""

    def __init__(self, window_cap: int) -> None:
        self._window_cap = window_cap
        self._gates: dict[tuple[str, bool], Gate] = {}

    def of(self, endpoint: str, *, writes: bool) -> Gate:
        """That endpoint's."""
        gate = self._gates.get((endpoint, writes))
        if gate is None:
            gate = self._gates[endpoint, writes] = Gate(Pace(window_cap=self._window_cap))
        return gate
