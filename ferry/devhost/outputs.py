"""Queue output bindings, written after the function returned; each message wakes its listener here."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ferry.devhost.functions import FunctionDefinition, QueueOutput
    from ferry.devhost.message_queue import MessageQueue
    from ferry.devhost.protos import TypedData
    from ferry.devhost.queue_listener import QueueWatcher
    from ferry.devhost.worker import InvocationResult

    type QueueFactory = Callable[[QueueOutput], MessageQueue]

_RETURN = "$return"
_WRITER_THREADS = 16


class OutputWriter:
    """Sends what functions put out; safe to use for several invocations at once."""

    def __init__(self, open_queue: QueueFactory, watcher: QueueWatcher) -> None:
        self._open_queue = open_queue
        self._watcher = watcher
        self._queues: dict[QueueOutput, MessageQueue] = {}
        self._threads = ThreadPoolExecutor(_WRITER_THREADS, thread_name_prefix="outputs")

    async def write(self, function: FunctionDefinition, result: InvocationResult) -> None:
        """Send all messages of one invocation in order; raises what the storage raises."""
        pending = [
            (self._queue(output), body)
            for output in function.outputs
            for body in message_bodies(_value(output, result))
        ]
        if pending:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._send, pending)

    def close(self) -> None:
        """Let idle threads go."""
        self._threads.shutdown(wait=False)

    def _queue(self, output: QueueOutput) -> MessageQueue:
        if output not in self._queues:
            self._queues[output] = self._open_queue(output)
        return self._queues[output]

    def _send(self, pending: list[tuple[MessageQueue, bytes]]) -> None:
        for queue, body in pending:
            queue.send(body)
            self._watcher.notify(queue)


def message_bodies(value: TypedData | None) -> Iterator[bytes]:
    """Bodies that an output value stands for: a string or bytes is one, a JSON list is one per element."""
    if value is None or value.kind is None:
        return
    if value.kind == "bytes":
        yield cast("bytes", value.value)
    elif value.kind == "json":
        document: object = json.loads(cast("str", value.value))
        items = cast("list[object]", document) if isinstance(document, list) else [document]
        yield from (_element(item) for item in items if item is not None)
    else:
        yield str(value.value).encode()


def _element(item: object) -> bytes:
    if isinstance(item, str):
        return item.encode()
    if isinstance(item, dict):
        fields = cast("dict[str, object]", item)
        # The worker writes a QueueMessage as an object of exactly id and body.
        if set(fields) == {"id", "body"} and isinstance(fields["body"], str):
            return fields["body"].encode()
    return json.dumps(item).encode()


def _value(output: QueueOutput, result: InvocationResult) -> TypedData | None:
    return result.return_value if output.parameter == _RETURN else result.outputs.get(output.parameter)
