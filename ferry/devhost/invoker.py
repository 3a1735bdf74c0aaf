"""Runs one function: the call into the worker, its time limit, its outputs, its log line."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
import uuid
from typing import TYPE_CHECKING

from ferry.devhost.worker import Invocation, InvocationResult, TraceContext

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from ferry.devhost.functions import FunctionDefinition
    from ferry.devhost.outputs import OutputWriter
    from ferry.devhost.protos import TypedData
    from ferry.devhost.worker import Worker

logger = logging.getLogger("ferry.devhost")


def new_trace() -> TraceContext:
    """A sampled W3C trace context that begins here."""
    return TraceContext(f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01")


class Invoker:
    """Runs functions on the host's event loop; other threads use `submit`."""

    def __init__(
        self,
        worker: Worker,
        outputs: OutputWriter,
        *,
        loop: asyncio.AbstractEventLoop,
        timeout_seconds: float | None,
    ) -> None:
        self._worker = worker
        self._outputs = outputs
        self._loop = loop
        self._timeout_seconds = timeout_seconds
        self._running = 0

    @property
    def running(self) -> int:
        """Invocations that are not complete yet."""
        return self._running

    async def invoke(
        self,
        function: FunctionDefinition,
        data: TypedData,
        *,
        metadata: Mapping[str, TypedData] | None = None,
        trace: TraceContext | None = None,
    ) -> InvocationResult:
        """Run the function and write its outputs; never raises for what the function does."""
        invocation = Invocation(
            invocation_id=str(uuid.uuid4()),
            function_id=function.function_id,
            parameter=function.trigger.parameter,
            data=data,
            trace=trace or new_trace(),
            metadata=metadata or {},
        )
        started = time.perf_counter()
        self._running += 1
        try:
            result = await self._run(function, invocation)
        finally:
            self._running -= 1
        self._log(function, invocation, result, time.perf_counter() - started)
        return result

    def submit(
        self, function: FunctionDefinition, data: TypedData, metadata: Mapping[str, TypedData] | None = None
    ) -> Future[bool]:
        """Run the function from another thread; the future says whether it succeeded."""
        return asyncio.run_coroutine_threadsafe(self._succeeds(function, data, metadata), self._loop)

    async def _succeeds(
        self, function: FunctionDefinition, data: TypedData, metadata: Mapping[str, TypedData] | None
    ) -> bool:
        return (await self.invoke(function, data, metadata=metadata)).ok

    async def _run(self, function: FunctionDefinition, invocation: Invocation) -> InvocationResult:
        try:
            result = await asyncio.wait_for(self._worker.run(invocation), self._timeout_seconds)
        except TimeoutError:
            return InvocationResult(
                ok=False,
                error=f"Timeout value of {self._timeout_seconds} s (functionTimeout) was exceeded; an asynchronous "
                "function was cancelled, a synchronous one runs on in its thread",
            )
        if not result.ok or not function.outputs:
            return result
        try:
            await self._outputs.write(function, result)
        except Exception as error:
            logger.exception("the outputs of '%s' could not be written", function.name)
            return InvocationResult(ok=False, error=f"an output could not be written: {error}")
        return result

    def _log(
        self, function: FunctionDefinition, invocation: Invocation, result: InvocationResult, seconds: float
    ) -> None:
        if result.ok:
            logger.debug(
                "Executed 'Functions.%s' (Succeeded, Id=%s, Duration=%.0fms)",
                function.name,
                invocation.invocation_id,
                seconds * 1000,
            )
            return
        logger.error(
            "Executed 'Functions.%s' (Failed, Id=%s, Duration=%.0fms)\n%s\n%s",
            function.name,
            invocation.invocation_id,
            seconds * 1000,
            result.error,
            result.stack_trace,
        )
