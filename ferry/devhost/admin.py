"""The admin API (`/admin/functions`, `/admin/host/status`) and the blob webhook under `/runtime`."""

from __future__ import annotations

import asyncio
import json
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from ferry.devhost.blob_events import FUNCTION_PREFIX, Handshake, read_events
from ferry.devhost.blob_trigger import read_blob
from ferry.devhost.connections import resolve_connection
from ferry.devhost.errors import WebhookError
from ferry.devhost.functions import BlobTrigger, HttpTrigger, QueueTrigger, TimerTrigger
from ferry.devhost.http_dispatch import presented_key
from ferry.devhost.http_messages import Response, json_response
from ferry.devhost.keys import BLOBS_SYSTEM_KEY
from ferry.devhost.protos import TypedData
from ferry.devhost.queue_trigger import message_by_hand, message_data, message_metadata
from ferry.devhost.timers import timer_payload

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ferry.devhost.blob_events import BlobMessage
    from ferry.devhost.blob_trigger import BlobTriggers
    from ferry.devhost.functions import FunctionDefinition
    from ferry.devhost.http_messages import Request
    from ferry.devhost.invoker import Invoker
    from ferry.devhost.keys import Access

logger = logging.getLogger("ferry.devhost")


def host_status(host_id: str, errors: Iterable[str] = ()) -> dict[str, object]:
    """The body of /admin/host/status."""
    listed = list(errors)
    status: dict[str, object] = {"id": host_id, "state": "Error" if listed else "Running", "version": "ferry-devhost"}
    return status | ({"errors": listed} if listed else {})


class AdminApi:
    """`/admin`: needs the master key when keys are checked."""

    def __init__(
        self, functions: Iterable[FunctionDefinition], invoker: Invoker, access: Access, *, host_id: str
    ) -> None:
        self._functions = {function.name.lower(): function for function in functions}
        self._invoker = invoker
        self._access = access
        self._host_id = host_id
        self._background: set[asyncio.Task[None]] = set()

    async def handle(self, request: Request, segments: list[str]) -> Response:
        """Answer a request below /admin."""
        if not self._access.admits_admin(presented_key(request)):
            return Response(HTTPStatus.UNAUTHORIZED)
        match request.method, [segment.lower() for segment in segments]:
            case "GET" | "POST", ["host", "ping"]:
                return Response(HTTPStatus.OK)
            case "GET", ["host", "status"]:
                return json_response(host_status(self._host_id))
            case "GET", ["functions"]:
                return json_response([_description(function) for function in self._functions.values()])
            case "GET", ["functions", name] if name in self._functions:
                return json_response(_description(self._functions[name]))
            case "POST", ["functions", name] if name in self._functions:
                return self._run(self._functions[name], request)
            case _:
                return Response(HTTPStatus.NOT_FOUND)

    def _run(self, function: FunctionDefinition, request: Request) -> Response:
        if isinstance(function.trigger, HttpTrigger):
            return json_response(
                {"message": f"'{function.name}' has an HTTP trigger; call its route"}, status=HTTPStatus.BAD_REQUEST
            )
        try:
            text = _input(request.body)
        except ValueError as error:
            return json_response({"message": str(error)}, status=HTTPStatus.BAD_REQUEST)
        task = asyncio.create_task(self._invoke(function, text))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return Response(HTTPStatus.ACCEPTED)

    async def _invoke(self, function: FunctionDefinition, text: str) -> None:
        try:
            data, metadata = await asyncio.to_thread(_trigger_input, function, text)
        except Exception as error:
            logger.error("'%s' could not be run by hand: %s", function.name, error)
            return
        await self._invoker.invoke(function, data, metadata=metadata)


class Webhooks:
    """`/runtime/webhooks/blobs`: where Event Grid delivers."""

    def __init__(self, blobs: BlobTriggers | None, access: Access) -> None:
        self._blobs = blobs
        self._access = access

    async def handle(self, request: Request, segments: list[str]) -> Response:
        """Answer a request below /runtime."""
        if [segment.lower() for segment in segments] != ["webhooks", "blobs"] or self._blobs is None:
            return Response(HTTPStatus.NOT_FOUND)
        if not self._access.admits_extension(BLOBS_SYSTEM_KEY, presented_key(request)):
            return Response(HTTPStatus.UNAUTHORIZED)
        if request.method != "POST":
            return Response(HTTPStatus.NOT_FOUND)
        function_id = request.query.get("functionName", "")
        if not self._blobs.knows(function_id):
            return json_response(
                {"message": f"There is no function '{function_id}'; functionName is {FUNCTION_PREFIX}<name>"},
                status=HTTPStatus.NOT_FOUND,
            )
        try:
            events = read_events(request.body, function_id=function_id, headers=request.headers)
        except WebhookError as error:
            return json_response({"message": str(error)}, status=error.status)
        if isinstance(events, Handshake):
            return json_response({"validationResponse": events.validation_code})
        await asyncio.to_thread(self._enqueue, self._blobs, events.messages)
        return Response(HTTPStatus.ACCEPTED)

    def _enqueue(self, blobs: BlobTriggers, messages: tuple[BlobMessage, ...]) -> None:
        for message in messages:
            blobs.enqueue(message)


def _description(function: FunctionDefinition) -> dict[str, object]:
    return {
        "name": function.name,
        "script_href": function.script_file,
        "language": "python",
        "config": {"bindings": list(function.bindings)},
        "isDisabled": function.disabled,
    }


def _input(body: bytes) -> str:
    if not body:
        return ""
    try:
        document: object = json.loads(body)
    except ValueError as error:
        raise ValueError(f'The body must be JSON such as {{"input": "..."}}: {error}') from error
    if not isinstance(document, dict):
        raise ValueError('The body must be a JSON object such as {"input": "..."}')
    value = cast("dict[str, object]", document).get("input", "")
    return value if isinstance(value, str) else json.dumps(value)


def _trigger_input(function: FunctionDefinition, text: str) -> tuple[TypedData, Mapping[str, TypedData]]:
    match function.trigger:
        case QueueTrigger():
            body = text.encode()
            return message_data(body), message_metadata(message_by_hand(body), body)
        case TimerTrigger():
            return timer_payload(None, past_due=False), {}
        case BlobTrigger(connection=connection):
            container, _, name = text.strip("/").partition("/")
            blob = read_blob(resolve_connection(connection), container, name) if name else None
            if blob is None:
                raise ValueError(f"the input '{text}' must be the container/name of a blob that is there")
            return TypedData(bytes=blob.content), blob.metadata
        case HttpTrigger():
            raise ValueError("an HTTP function runs by its route")
