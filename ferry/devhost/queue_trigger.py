"""A queue message as the input of a function, with the host's trigger metadata."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

from ferry.devhost.message_queue import ReceivedMessage
from ferry.devhost.protos import TypedData

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from ferry.devhost.functions import FunctionDefinition
    from ferry.devhost.invoker import Invoker


def message_data(body: bytes) -> TypedData:
    """The body as text where it is UTF-8, else as bytes."""
    try:
        return TypedData(string=body.decode())
    except UnicodeDecodeError:
        return TypedData(bytes=body)


def message_metadata(message: ReceivedMessage, body: bytes) -> Mapping[str, TypedData]:
    """The seven built-in fields, overridden (whatever the case) by the properties of a JSON object in the body."""
    metadata = {
        "QueueTrigger": message_data(body),
        "Id": TypedData(string=message.id),
        "PopReceipt": TypedData(string=message.pop_receipt),
        "DequeueCount": TypedData(json=str(message.dequeue_count)),
        "InsertionTime": _moment(message.inserted_at),
        "ExpirationTime": _moment(message.expires_at),
        "NextVisibleTime": _moment(message.next_visible_at),
    }
    names = {name.lower(): name for name in metadata}
    for name, value in _properties(body).items():
        if value is not None and not isinstance(value, list):
            key = names.setdefault(name.lower(), name)
            metadata[key] = TypedData(json=json.dumps(value)) if isinstance(value, dict) else _text(value)
    return metadata


def invoke_with_message(
    invoker: Invoker, function: FunctionDefinition, message: ReceivedMessage, body: bytes
) -> Future[bool]:
    """Start the function on a message; the future says whether it succeeded."""
    return invoker.submit(function, message_data(body), message_metadata(message, body))


def message_by_hand(body: bytes) -> ReceivedMessage:
    """What a function sees when it is run through /admin/functions: a message that was in no queue."""
    now = datetime.now(UTC)
    return ReceivedMessage(
        id=str(uuid.uuid4()),
        text=body.decode(),
        pop_receipt="",
        dequeue_count=1,
        inserted_at=now,
        expires_at=now + timedelta(days=7),
        next_visible_at=now,
    )


def _properties(body: bytes) -> dict[str, object]:
    if not body.lstrip().startswith(b"{"):
        return {}
    try:
        document: object = json.loads(body)
    except ValueError:
        return {}
    return cast("dict[str, object]", document) if isinstance(document, dict) else {}


def _text(value: object) -> TypedData:
    if isinstance(value, bool):
        return TypedData(string="True" if value else "False")
    return TypedData(string=str(value))


def _moment(moment: datetime) -> TypedData:
    return TypedData(json=json.dumps(moment.isoformat()))
