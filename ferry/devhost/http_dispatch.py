"""Where a request goes: a function's route, the admin API or an extension's webhook."""

from __future__ import annotations

import asyncio
import contextlib
import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from ferry.devhost.functions import HttpTrigger
from ferry.devhost.http_messages import Response, from_return_value, to_rpc_http
from ferry.devhost.invoker import new_trace
from ferry.devhost.routes import RouteTable, parse_route, split_path
from ferry.devhost.worker import TraceContext

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

    from ferry.devhost.functions import FunctionDefinition
    from ferry.devhost.http_messages import Request
    from ferry.devhost.invoker import Invoker
    from ferry.devhost.keys import Access
    from ferry.devhost.settings import HttpOptions

    type Handler = Callable[[Request, list[str]], Awaitable[Response]]

_TRACE_PARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$")


def presented_key(request: Request) -> str:
    """The key of a request: the header when it is there, else `code` of the query."""
    return request.headers.get("x-functions-key") or request.query.get("code", "")


class HttpFunctions:
    """The HTTP-triggered functions behind their routes and keys."""

    def __init__(
        self, functions: Iterable[FunctionDefinition], invoker: Invoker, access: Access, *, options: HttpOptions
    ) -> None:
        self._functions = {
            function.name: (function, trigger)
            for function in functions
            if isinstance(trigger := function.trigger, HttpTrigger) and not function.disabled
        }
        self._routes = RouteTable(
            parse_route(
                prefix=options.route_prefix, template=trigger.route, function_name=name, methods=trigger.methods
            )
            for name, (_, trigger) in self._functions.items()
        )
        self._invoker = invoker
        self._access = access
        self._throttle = Throttle(options)

    async def handle(self, request: Request) -> Response:
        """Run the function that the request's method and path name."""
        found = self._routes.find(request.method, request.raw_path)
        if found is None:
            return Response(HTTPStatus.NOT_FOUND)
        name, parameters = found
        function, trigger = self._functions[name]
        if not self._access.admits_function(name, trigger.auth_level, presented_key(request)):
            return Response(HTTPStatus.UNAUTHORIZED)
        async with self._throttle.slot() as admitted:
            if not admitted:
                return Response(HTTPStatus.TOO_MANY_REQUESTS)
            data = to_rpc_http(request, parameters)
            result = await self._invoker.invoke(function, data, trace=_trace(request))
        if not result.ok:
            return Response(HTTPStatus.INTERNAL_SERVER_ERROR)
        return from_return_value(result.return_value) or Response(HTTPStatus.NO_CONTENT)


class Throttle:
    """`maxOutstandingRequests` and `maxConcurrentRequests` of host.json."""

    def __init__(self, options: HttpOptions) -> None:
        self._max_outstanding = options.max_outstanding_requests
        self._outstanding = 0
        limit = options.max_concurrent_requests
        self._concurrent = asyncio.Semaphore(limit) if limit else contextlib.nullcontext()

    @contextlib.asynccontextmanager
    async def slot(self) -> AsyncGenerator[bool]:
        """Wait for a turn; yields False at once when too many wait already."""
        if self._max_outstanding is not None and self._outstanding >= self._max_outstanding:
            yield False
            return
        self._outstanding += 1
        try:
            async with self._concurrent:
                yield True
        finally:
            self._outstanding -= 1


class Dispatcher:
    """Sends a request to the handler of its first path segment, or to the functions."""

    def __init__(self, functions: HttpFunctions, reserved: dict[str, Handler]) -> None:
        self._functions = functions
        self._reserved = reserved

    async def handle(self, request: Request) -> Response:
        """Answer a request."""
        segments = split_path(request.raw_path)
        handler = self._reserved.get(segments[0].lower()) if segments else None
        if handler is not None:
            return await handler(request, segments[1:])
        return await self._functions.handle(request)


def _trace(request: Request) -> TraceContext:
    parent = request.headers.get("traceparent", "")
    if not _TRACE_PARENT.match(parent):
        return new_trace()
    return TraceContext(parent, request.headers.get("tracestate", ""))
