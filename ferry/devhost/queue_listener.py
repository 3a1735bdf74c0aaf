"""A queue's listener: polls with random back-off, runs messages side by side, keeps them invisible."""

from __future__ import annotations

import logging
import random
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ferry.devhost.message_queue import MessageQueue, ReceivedMessage

    type MessageHandler = Callable[[ReceivedMessage, bytes], Future[bool]]
    type PoisonRoute = Callable[[ReceivedMessage], MessageQueue | None]

logger = logging.getLogger("ferry.devhost")

_MINIMUM_INTERVAL_SECONDS = 0.1
_SPREAD = 0.2
_ERROR_REPORT_SECONDS = 30.0


class Backoff:
    """Random exponential delays from 100 ms up to the polling interval, as the host's own."""

    def __init__(self, maximum_seconds: float, *, spread: Callable[[], float] = random.random) -> None:
        self._maximum = maximum_seconds
        self._spread = spread
        self._exponent = 0

    def reset(self) -> None:
        """Begin again at the minimum."""
        self._exponent = 0

    def next_delay(self) -> float:
        """Seconds to wait after one more empty poll."""
        if self._exponent == 0:
            self._exponent = 1
            return min(_MINIMUM_INTERVAL_SECONDS, self._maximum)
        factor = 1 - _SPREAD + 2 * _SPREAD * self._spread()
        delay = _MINIMUM_INTERVAL_SECONDS * (1 + factor * 2 ** (self._exponent - 1))
        if delay >= self._maximum:
            return self._maximum
        self._exponent += 1
        return delay


class QueueWatcher:
    """Tells the listeners of this process that a message was sent to their queue."""

    def __init__(self) -> None:
        self._listeners: dict[object, list[Callable[[], None]]] = {}

    def register(self, queue: MessageQueue, notify: Callable[[], None]) -> None:
        """Call `notify` whenever a message goes to this queue."""
        self._listeners.setdefault(queue.key, []).append(notify)

    def notify(self, queue: MessageQueue) -> None:
        """Wake whoever listens to this queue here."""
        for notify in self._listeners.get(queue.key, ()):
            notify()


@dataclass(frozen=True, slots=True)
class ListenerOptions:
    """How a listener takes and gives up messages; times in seconds."""

    batch_size: int
    new_batch_threshold: int
    max_dequeue_count: int
    retry_delay_seconds: float
    max_polling_interval_seconds: float
    visibility_seconds: int


class QueueListener:
    """Listens to one queue from a thread of its own and handles each message in another.

    `handle` starts the work on a message and returns a future of whether it succeeded. The thread that waits for it
    keeps the message invisible meanwhile, so nothing that the function does can delay the renewal.
    """

    def __init__(
        self,
        queue: MessageQueue,
        handle: MessageHandler,
        options: ListenerOptions,
        *,
        watcher: QueueWatcher,
        poison_queue: PoisonRoute | None = None,
    ) -> None:
        self._queue = queue
        self._handle = handle
        self._options = options
        self._watcher = watcher
        self._poison_queue = poison_queue or self._own_poison_queue
        self._backoff = Backoff(options.max_polling_interval_seconds)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._opened = threading.Event()
        self._state = threading.Condition()
        self._in_flight = 0
        self._last_error_report = float("-inf")
        self._failed_polls = 0
        self._poller = threading.Thread(target=self._poll, name=f"poll-{queue.name}", daemon=True)
        self._runners = ThreadPoolExecutor(
            options.batch_size + options.new_batch_threshold, thread_name_prefix=f"run-{queue.name}"
        )
        watcher.register(queue, self._wake.set)

    def start(self) -> None:
        """Begin to poll."""
        self._poller.start()

    def wait_until_running(self) -> None:
        """Return when the storage client is there and the first poll is on its way."""
        self._opened.wait()

    def stop(self) -> None:
        """Take no further message; what runs goes on."""
        self._stopping.set()
        self._wake.set()
        with self._state:
            self._state.notify_all()

    def drain(self, deadline: float) -> int:
        """Wait until nothing runs or the monotonic deadline; returns how many messages are still in work."""
        self._poller.join(max(0.0, deadline - time.monotonic()))
        with self._state:
            self._state.wait_for(lambda: self._in_flight == 0, max(0.0, deadline - time.monotonic()))
            left = self._in_flight
        self._runners.shutdown(wait=left == 0, cancel_futures=False)
        return left

    def _poll(self) -> None:
        try:
            self._queue.open()
        finally:
            self._opened.set()
        while not self._stopping.is_set():
            self._wake.clear()
            if self._take_batch():
                self._backoff.reset()
                self._await_capacity()
            elif not self._stopping.is_set():
                self._wake.wait(self._backoff.next_delay())

    def _own_poison_queue(self, _message: ReceivedMessage) -> MessageQueue | None:
        return self._queue.poison_queue()

    def _take_batch(self) -> bool:
        try:
            messages = self._queue.receive(self._options.batch_size, self._options.visibility_seconds)
        except Exception as error:
            # One lost connection is everyday: the service closes idle ones. Two in a row are worth a line.
            self._failed_polls += 1
            if self._failed_polls > 1:
                self._report(error)
            return False
        self._failed_polls = 0
        for message in messages:
            if self._stopping.is_set():
                self._give_back(message)
                continue
            with self._state:
                self._in_flight += 1
            self._runners.submit(self._process, message)
        return bool(messages)

    def _await_capacity(self) -> None:
        with self._state:
            self._state.wait_for(
                lambda: self._in_flight <= self._options.new_batch_threshold or self._stopping.is_set()
            )

    def _process(self, message: ReceivedMessage) -> None:
        try:
            self._settle(message)
        except Exception:
            logger.exception(
                "message %s of queue '%s' could not be settled; it becomes visible again when its time is over",
                message.id,
                self._queue.name,
            )
        finally:
            with self._state:
                self._in_flight -= 1
                self._state.notify_all()

    def _settle(self, message: ReceivedMessage) -> None:
        if message.dequeue_count > self._options.max_dequeue_count:
            self._move_to_poison(message)
            return
        try:
            body = self._queue.decode(message.text)
        except ValueError as error:
            logger.error("message %s of queue '%s': %s", message.id, self._queue.name, error)
            self._move_to_poison(message)
            return
        if self._run(message, body):
            self._queue.delete(message)
        elif self._poison_queue(message) is None:
            # Without a poison queue the message stays invisible, or it would come back at once for ever.
            return
        elif message.dequeue_count >= self._options.max_dequeue_count:
            self._move_to_poison(message)
        else:
            self._queue.set_visibility(message, self._options.retry_delay_seconds)

    def _run(self, message: ReceivedMessage, body: bytes) -> bool:
        try:
            future = self._handle(message, body)
        except Exception:
            logger.exception("message %s of queue '%s' could not be handed over", message.id, self._queue.name)
            return False
        while not wait((future,), timeout=self._options.visibility_seconds / 2).done:
            self._renew(message)
        return future.result()

    def _renew(self, message: ReceivedMessage) -> None:
        try:
            kept = self._queue.set_visibility(message, self._options.visibility_seconds)
        except Exception as error:
            self._report(error)
            return
        if not kept:
            logger.warning("message %s of queue '%s' is no longer ours", message.id, self._queue.name)

    def _move_to_poison(self, message: ReceivedMessage) -> None:
        poison = self._poison_queue(message)
        if poison is None:
            return
        logger.warning(
            "message %s of queue '%s' was taken %d times; it goes to '%s'",
            message.id,
            self._queue.name,
            message.dequeue_count,
            poison.name,
        )
        poison.send_text(message.text)
        self._watcher.notify(poison)
        self._queue.delete(message)

    def _give_back(self, message: ReceivedMessage) -> None:
        try:
            self._queue.set_visibility(message, 0)
        except Exception as error:
            self._report(error)

    def _report(self, error: Exception) -> None:
        now = time.monotonic()
        if now - self._last_error_report < _ERROR_REPORT_SECONDS:
            return
        self._last_error_report = now
        logger.warning("queue '%s' cannot be read now, polling goes on: %s", self._queue.name, error)
