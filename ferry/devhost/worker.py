"""The only module that touches Microsoft's worker library, `azure-functions-runtime`.

The library runs one app per process: it keeps the indexed functions in module globals and imports `function_app` once.
"""

from __future__ import annotations

import sys
import traceback
from dataclasses import dataclass, field
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Protocol, cast

from ferry.devhost.errors import AppLoadError
from ferry.devhost.protos import PROTOS, ParameterBinding, StatusResult, TypedData

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from contextvars import ContextVar
    from pathlib import Path

    type Endpoint = Callable[[SimpleNamespace], Awaitable[object]]


_HTTP_PROXY_CAPABILITY = "HttpUri"


@dataclass(frozen=True, slots=True)
class IndexedFunction:
    """A function as the worker reports it; `raw_bindings` are JSON texts."""

    name: str
    function_id: str
    script_file: str
    raw_bindings: tuple[str, ...]
    has_retry_policy: bool = False


@dataclass(frozen=True, slots=True)
class TraceContext:
    """W3C trace context of an invocation."""

    trace_parent: str
    trace_state: str = ""


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a function: the value of its trigger parameter and what is known about it."""

    invocation_id: str
    function_id: str
    parameter: str
    data: TypedData
    trace: TraceContext
    metadata: Mapping[str, TypedData] = field(default_factory=dict[str, TypedData])


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """What a run gave: outputs by binding name, or the error."""

    ok: bool
    return_value: TypedData | None = None
    outputs: Mapping[str, TypedData] = field(default_factory=dict[str, TypedData])
    error: str = ""
    stack_trace: str = ""


class _RpcException(Protocol):
    message: str
    stack_trace: str


class _Status(Protocol):
    status: int
    exception: _RpcException | None


class _StatusReply(Protocol):
    result: _Status


class _InitReply(_StatusReply, Protocol):
    capabilities: Mapping[str, str] | None


class _FunctionMetadata(Protocol):
    name: str
    function_id: str
    script_file: str
    raw_bindings: Sequence[str]
    retry_options: object


class _MetadataReply(Protocol):
    function_metadata_results: Sequence[_FunctionMetadata] | None


class _InvocationReply(Protocol):
    result: _Status
    return_value: TypedData | None
    output_data: Sequence[ParameterBinding] | None


class Worker:
    """Runs the functions of one app directory on the calling event loop and the library's thread pool."""

    def __init__(self, app_directory: Path) -> None:
        self._app_directory = app_directory
        self._invoke: Endpoint | None = None
        self._invocation_id: ContextVar[str | None] | None = None

    async def load(self) -> list[IndexedFunction]:
        """Import and index the app; raises AppLoadError with the app's own stack trace."""
        directory = str(self._app_directory)
        if directory not in sys.path:
            sys.path.insert(0, directory)
        try:
            runtime = import_module("azure_functions_runtime")
            cast("Callable[[], None]", runtime.start_threadpool_executor)()
            self._invoke = cast("Endpoint", runtime.invocation_request)
            self._invocation_id = cast("ContextVar[str | None]", runtime.invocation_id_cv)
            await _initialize(cast("Endpoint", runtime.worker_init_request), directory)
            return await _metadata(cast("Endpoint", runtime.functions_metadata_request), directory)
        except SystemExit as error:
            # An app may leave by sys.exit at import; the host stays up to show it.
            raise AppLoadError(
                f"The app exited while it was imported: {error}", stack_trace=traceback.format_exc()
            ) from error

    async def run(self, invocation: Invocation) -> InvocationResult:
        """Run one function; a failing function is a result, not an exception."""
        if self._invoke is None or self._invocation_id is None:
            raise RuntimeError("the worker was not loaded")
        # The library sets this for synchronous functions only; log records of asynchronous ones need it, too.
        token = self._invocation_id.set(invocation.invocation_id)
        try:
            reply = cast("_InvocationReply", await self._invoke(_request("invocation_request", _wire(invocation))))
        finally:
            self._invocation_id.reset(token)
        if reply.result.status != StatusResult.Success:
            error = reply.result.exception
            return InvocationResult(
                ok=False,
                error=(error.message if error else "") or "the worker does not know this function",
                stack_trace=error.stack_trace if error else "",
            )
        outputs = {item.name: item.data for item in reply.output_data or () if item.data is not None}
        return InvocationResult(ok=True, return_value=reply.return_value, outputs=outputs)


async def _initialize(endpoint: Endpoint, directory: str) -> None:
    fields = SimpleNamespace(capabilities={}, function_app_directory=directory)
    reply = cast("_InitReply", await endpoint(_request("worker_init_request", fields)))
    if _HTTP_PROXY_CAPABILITY in (reply.capabilities or {}):
        raise AppLoadError(
            "The app streams HTTP through azurefunctions-extensions-http-fastapi, which the local host does not run. "
            "Use func.HttpRequest and func.HttpResponse, or Core Tools (func start)"
        )
    if reply.result.status == StatusResult.Success:
        return
    error = reply.result.exception
    raise AppLoadError(
        error.message if error else "the worker could not start", stack_trace=error.stack_trace if error else ""
    )


async def _metadata(endpoint: Endpoint, directory: str) -> list[IndexedFunction]:
    reply = cast("_MetadataReply", await endpoint(_request("functions_metadata_request", SimpleNamespace())))
    if reply.function_metadata_results is None:
        raise AppLoadError(
            f"There is no function_app.py with functions in {directory}. Give --app the directory that holds it."
        )
    return [
        IndexedFunction(
            name=item.name,
            function_id=item.function_id,
            script_file=item.script_file,
            raw_bindings=tuple(item.raw_bindings),
            has_retry_policy=item.retry_options is not None,
        )
        for item in reply.function_metadata_results
    ]


def _request(name: str, value: object) -> SimpleNamespace:
    return SimpleNamespace(request=SimpleNamespace(**{name: value}), properties={"host": "127.0.0.1", "protos": PROTOS})


def _wire(invocation: Invocation) -> SimpleNamespace:
    return SimpleNamespace(
        invocation_id=invocation.invocation_id,
        function_id=invocation.function_id,
        input_data=[ParameterBinding(name=invocation.parameter, data=invocation.data)],
        trigger_metadata=dict(invocation.metadata),
        trace_context=SimpleNamespace(
            trace_parent=invocation.trace.trace_parent, trace_state=invocation.trace.trace_state, attributes={}
        ),
        retry_context=SimpleNamespace(retry_count=0, max_retry_count=0, exception=None),
    )
