"""The running app: invoker, HTTP functions, admin API and all listeners, put together."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Protocol

from ferry.devhost.admin import AdminApi, Webhooks
from ferry.devhost.blob_trigger import BlobRegistration, BlobTriggers
from ferry.devhost.connections import HOST_STORAGE, resolve_connection
from ferry.devhost.functions import BlobTrigger, QueueTrigger, TimerTrigger
from ferry.devhost.http_dispatch import Dispatcher, HttpFunctions
from ferry.devhost.invoker import Invoker
from ferry.devhost.keys import OpenAccess, keys_file, load_keys
from ferry.devhost.message_queue import MessageQueue
from ferry.devhost.outputs import OutputWriter
from ferry.devhost.queue_listener import ListenerOptions, QueueListener, QueueWatcher
from ferry.devhost.queue_trigger import invoke_with_message
from ferry.devhost.settings import message_visibility_seconds
from ferry.devhost.timer_lease import TimerLease
from ferry.devhost.timers import TimerListener

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Future

    from ferry.devhost.functions import FunctionDefinition, QueueOutput
    from ferry.devhost.http_messages import Request, Response
    from ferry.devhost.keys import Access
    from ferry.devhost.message_queue import ReceivedMessage
    from ferry.devhost.settings import HostConfig
    from ferry.devhost.worker import Worker

logger = logging.getLogger("ferry.devhost")

_BLOB_POLLING_SECONDS = 60.0
_MAX_BATCH = 32


class Listener(Protocol):
    """Something that takes work from outside until it is stopped."""

    def start(self) -> None:
        """Begin to take work."""

    def wait_until_running(self) -> None:
        """Return when work can arrive."""

    def stop(self) -> None:
        """Take no more work."""

    def drain(self, deadline: float) -> int:
        """Wait for running work until the monotonic deadline; returns how much is left."""
        ...


class Runtime:
    """Everything that an indexed app needs to run; must be made on the event loop that runs it."""

    def __init__(
        self, worker: Worker, functions: Sequence[FunctionDefinition], config: HostConfig, *, host_id: str, auth: bool
    ) -> None:
        self._config = config
        self._host_id = host_id
        self._watcher = QueueWatcher()
        self._outputs = OutputWriter(self._output_queue, self._watcher)
        self._invoker = Invoker(
            worker,
            self._outputs,
            loop=asyncio.get_running_loop(),
            timeout_seconds=config.function_timeout_seconds,
        )
        self._check_outputs(functions)
        enabled = [function for function in functions if not function.disabled]
        self._listeners: list[Listener] = []
        for function in enabled:
            self._add_listener(function)
        blobs = self._blob_triggers(enabled)
        access = _access(host_id) if auth else OpenAccess()
        self._dispatcher = Dispatcher(
            HttpFunctions(enabled, self._invoker, access, options=config.http),
            {
                "admin": AdminApi(functions, self._invoker, access, host_id=host_id).handle,
                "runtime": Webhooks(blobs, access).handle,
            },
        )

    async def handle(self, request: Request) -> Response:
        """Answer an HTTP request."""
        return await self._dispatcher.handle(request)

    def start(self) -> None:
        """Start all listeners."""
        for listener in self._listeners:
            listener.start()

    def wait_until_running(self) -> None:
        """Return when all listeners run."""
        for listener in self._listeners:
            listener.wait_until_running()

    def stop(self) -> None:
        """Take no more work from queues and timers."""
        for listener in self._listeners:
            listener.stop()

    def drain(self, deadline: float) -> int:
        """Wait for running work until the monotonic deadline; returns how many invocations are left."""
        for listener in self._listeners:
            listener.drain(deadline)
        while self._invoker.running and time.monotonic() < deadline:
            time.sleep(0.01)
        self._outputs.close()
        return self._invoker.running

    def _add_listener(self, function: FunctionDefinition) -> None:
        match function.trigger:
            case QueueTrigger() as trigger:
                self._listeners.append(self._queue_listener(function, trigger))
            case TimerTrigger() as trigger:
                lease = TimerLease(resolve_connection(HOST_STORAGE), self._host_id, function.name)
                self._listeners.append(TimerListener(function, trigger, self._invoker, lease))
            case _:
                return

    def _queue_listener(self, function: FunctionDefinition, trigger: QueueTrigger) -> QueueListener:
        options = self._config.queues
        queue = MessageQueue(
            resolve_connection(trigger.connection), trigger.queue_name, encoding=options.message_encoding
        )

        def handle(message: ReceivedMessage, body: bytes) -> Future[bool]:
            return invoke_with_message(self._invoker, function, message, body)

        return QueueListener(
            queue,
            handle,
            ListenerOptions(
                batch_size=options.batch_size,
                new_batch_threshold=options.new_batch_threshold,
                max_dequeue_count=options.max_dequeue_count,
                retry_delay_seconds=options.visibility_timeout_seconds,
                max_polling_interval_seconds=options.max_polling_interval_seconds,
                visibility_seconds=message_visibility_seconds(),
            ),
            watcher=self._watcher,
        )

    def _blob_triggers(self, functions: Sequence[FunctionDefinition]) -> BlobTriggers | None:
        registrations = [
            BlobRegistration(function, resolve_connection(function.trigger.connection))
            for function in functions
            if isinstance(function.trigger, BlobTrigger)
        ]
        if not registrations:
            return None
        queue = MessageQueue(
            resolve_connection(HOST_STORAGE), f"azure-webjobs-blobtrigger-{self._host_id}", encoding="base64"
        )
        blobs = BlobTriggers(queue, self._invoker, self._watcher)
        for registration in registrations:
            blobs.register(registration)
        parallelism = self._config.blobs.max_degree_of_parallelism
        batch_size = min(parallelism // 2 + 1, _MAX_BATCH)
        options = ListenerOptions(
            batch_size=batch_size,
            new_batch_threshold=max(parallelism - batch_size, 0),
            max_dequeue_count=self._config.blobs.poison_blob_threshold,
            retry_delay_seconds=0.0,
            max_polling_interval_seconds=_BLOB_POLLING_SECONDS,
            visibility_seconds=message_visibility_seconds(),
        )
        self._listeners.append(
            QueueListener(queue, blobs.handle, options, watcher=self._watcher, poison_queue=blobs.poison_queue)
        )
        return blobs

    def _output_queue(self, output: QueueOutput) -> MessageQueue:
        return MessageQueue(
            resolve_connection(output.connection), output.queue_name, encoding=self._config.queues.message_encoding
        )

    def _check_outputs(self, functions: Sequence[FunctionDefinition]) -> None:
        for function in functions:
            for output in function.outputs:
                resolve_connection(output.connection)


def _access(host_id: str) -> Access:
    file = keys_file(host_id)
    keys = load_keys(file)
    logger.info("keys are checked; they are in %s", file)
    return keys
