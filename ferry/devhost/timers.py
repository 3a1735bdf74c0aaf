"""A timer's thread: waits for the schedule, fires on one host of many, makes up for a missed slot."""

from __future__ import annotations

import json
import logging
import threading
import time
from concurrent.futures import wait
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from ferry.devhost.ncrontab import minimum_interval_seconds, parse_schedule
from ferry.devhost.protos import TypedData
from ferry.devhost.timer_lease import LEASE_SECONDS, TimerStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from ferry.devhost.functions import FunctionDefinition, TimerTrigger
    from ferry.devhost.invoker import Invoker
    from ferry.devhost.timer_lease import TimerLease

logger = logging.getLogger("ferry.devhost")

_MONITOR_FROM_SECONDS = 60.0
_RETRY_SECONDS = 5.0


def timer_payload(status: TimerStatus | None, *, past_due: bool) -> TypedData:
    """The trigger's JSON."""
    payload = {
        "Schedule": {"AdjustForDST": True},
        "ScheduleStatus": status.to_json() if status else None,
        "IsPastDue": past_due,
    }
    return TypedData(json=json.dumps(payload))


class TimerListener:
    """Fires one timer-triggered function; schedules are naive local times."""

    def __init__(
        self, function: FunctionDefinition, trigger: TimerTrigger, invoker: Invoker, lease: TimerLease
    ) -> None:
        self._function = function
        self._trigger = trigger
        self._invoker = invoker
        self._lease = lease
        self._schedule = parse_schedule(trigger.schedule)
        often = minimum_interval_seconds(self._schedule, _now()) < _MONITOR_FROM_SECONDS
        self._monitored = trigger.use_monitor and not often
        self._stopping = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._thread = threading.Thread(target=self._run, name=f"timer-{function.name}", daemon=True)

    def start(self) -> None:
        """Begin to wait."""
        self._thread.start()

    def wait_until_running(self) -> None:
        """Return at once: a timer needs nothing before it is due."""

    def stop(self) -> None:
        """Fire no more; what runs goes on."""
        self._stopping.set()

    def drain(self, deadline: float) -> int:
        """Wait for a running function until the monotonic deadline; returns 1 when it still runs."""
        return int(not self._idle.wait(max(0.0, deadline - time.monotonic())))

    def _run(self) -> None:
        self._tolerate(self._lease.open)
        self._insist(partial(self._fire_at_start, _now()))
        while not self._stopping.is_set():
            due = self._schedule.next_after(_now())
            if due is None or not self._wait_until(due):
                return
            self._insist(partial(self._fire, due))

    def _insist(self, fire: Callable[[], bool]) -> None:
        """Try one occurrence until it was settled here or elsewhere, or the next one is due."""
        following = self._schedule.next_after(_now())
        while not self._settled(fire):
            again = _now() + timedelta(seconds=_RETRY_SECONDS)
            if (following is not None and again >= following) or not self._wait_until(again):
                return

    def _settled(self, fire: Callable[[], bool]) -> bool:
        try:
            return fire()
        except Exception as error:
            logger.warning("timer '%s' cannot fire now, it tries again: %s", self._function.name, error)
            return False

    def _fire_at_start(self, now: datetime) -> bool:
        if not (self._monitored or self._trigger.run_on_startup):
            return True
        if not self._lease.acquire():
            return False
        try:
            status = self._lease.read()
            past_due = self._monitored and self._is_past_due(status, now)
            if past_due or self._trigger.run_on_startup:
                self._invoke(status, occurrence=now, past_due=past_due)
        finally:
            self._give_up_lease()
        return True

    def _is_past_due(self, status: TimerStatus | None, now: datetime) -> bool:
        if status is None or status.next is None:
            self._lease.write(TimerStatus(None, self._schedule.next_after(now), now))
            return False
        return self._expected(status, status.next) < now

    def _fire(self, occurrence: datetime) -> bool:
        if not self._lease.acquire():
            return False
        try:
            status = self._lease.read()
            if status is None or status.last is None or self._expected(status, occurrence) <= occurrence:
                self._invoke(status, occurrence=occurrence, past_due=False)
        finally:
            self._give_up_lease()
        return True

    def _invoke(self, status: TimerStatus | None, *, occurrence: datetime, past_due: bool) -> None:
        self._idle.clear()
        try:
            if self._stopping.is_set():
                return
            payload = timer_payload(status if self._monitored else None, past_due=past_due)
            future = self._invoker.submit(self._function, payload)
            while not wait((future,), timeout=LEASE_SECONDS / 2).done:
                self._tolerate(self._lease.renew)
            following = self._schedule.next_after(max(occurrence, _now()))
            self._tolerate(partial(self._lease.write, TimerStatus(occurrence, following, _now())))
            self._tolerate(self._lease.release)
        finally:
            self._idle.set()

    def _give_up_lease(self) -> None:
        self._tolerate(self._lease.release)

    def _tolerate(self, action: Callable[[], None]) -> None:
        """A fault of the bookkeeping must not keep the function from running, nor make it run again."""
        try:
            action()
        except Exception as error:
            logger.warning("the status of timer '%s' could not be kept: %s", self._function.name, error)

    def _expected(self, status: TimerStatus, otherwise: datetime) -> datetime:
        """When the timer was due after its last run, by the schedule as it is now."""
        return (status.last and self._schedule.next_after(status.last)) or otherwise

    def _wait_until(self, due: datetime) -> bool:
        while not self._stopping.is_set():
            remaining = due.timestamp() - time.time()
            if remaining <= 0:
                return True
            # In slices, so that a clock that was set or a machine that slept is noticed.
            self._stopping.wait(min(remaining, 60.0))
        return False


def _now() -> datetime:
    return datetime.now()
