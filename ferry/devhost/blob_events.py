"""Event Grid's webhook for blob triggers: handshake, and one internal message per BlobCreated."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import unquote, urlsplit

from ferry.devhost.errors import WebhookError

if TYPE_CHECKING:
    from collections.abc import Mapping

    type Event = dict[str, object]

FUNCTION_PREFIX = "Host.Functions."
_VALIDATION_EVENTS = frozenset(
    {"Microsoft.EventGrid.SubscriptionValidationEvent", "Microsoft.EventGrid.SubscriptionValidation"}
)
_CREATED_EVENT = "Microsoft.Storage.BlobCreated"
_SUBJECT_CONTAINER = "/containers/"
_SUBJECT_BLOB = "/blobs/"


@dataclass(frozen=True, slots=True)
class BlobMessage:
    """What the host's internal queue carries about one blob."""

    function_id: str
    container: str
    blob: str
    blob_type: str = "BlockBlob"
    etag: str = ""

    def to_json(self) -> str:
        """The text on the queue, in the real host's names."""
        return json.dumps(
            {
                "Type": "BlobTrigger",
                "FunctionId": self.function_id,
                "BlobType": self.blob_type,
                "ContainerName": self.container,
                "BlobName": self.blob,
                "ETag": self.etag,
            }
        )

    @classmethod
    def from_json(cls, text: str) -> BlobMessage:
        """Read a text of the queue; raises ValueError when it is no blob message."""
        document: object = json.loads(text)
        if not isinstance(document, dict):
            raise ValueError("the text is not a JSON object")
        fields = cast("dict[str, object]", document)
        names = ("FunctionId", "ContainerName", "BlobName")
        if not all(isinstance(fields.get(name), str) and fields[name] for name in names):
            raise ValueError(f"one of {', '.join(names)} is not there")
        return cls(
            function_id=str(fields["FunctionId"]),
            container=str(fields["ContainerName"]),
            blob=str(fields["BlobName"]),
            blob_type=str(fields.get("BlobType") or "BlockBlob"),
            etag=str(fields.get("ETag") or ""),
        )


@dataclass(frozen=True, slots=True)
class Handshake:
    """Event Grid asks whether the endpoint wants its events."""

    validation_code: str


@dataclass(frozen=True, slots=True)
class Notification:
    """Blobs that were created."""

    messages: tuple[BlobMessage, ...]


def read_events(body: bytes, *, function_id: str, headers: Mapping[str, str]) -> Handshake | Notification:
    """Read a delivery in Event Grid's or CloudEvents' schema; raises WebhookError."""
    if headers.get("aeg-event-type", "").lower() == "unsubscribe":
        return Notification(())
    events = _events(body)
    for event in events:
        if _event_type(event) in _VALIDATION_EVENTS:
            return Handshake(_validation_code(event))
    created = (event for event in events if _event_type(event) == _CREATED_EVENT)
    return Notification(tuple(_blob_message(event, function_id) for event in created))


def _events(body: bytes) -> list[Event]:
    try:
        document: object = json.loads(body)
    except ValueError as error:
        raise WebhookError(f"The body is not JSON: {error}") from error
    items = cast("list[object]", document) if isinstance(document, list) else [document]
    if not all(isinstance(item, dict) for item in items):
        raise WebhookError("The body must be an event or a list of events")
    return cast("list[Event]", items)


def _event_type(event: Event) -> str:
    return str(event.get("eventType") or event.get("type") or "")


def _data(event: Event) -> Event:
    data = event.get("data")
    if isinstance(data, str):
        # CloudEvents' handshake carries its data as JSON in a string.
        try:
            data = cast("object", json.loads(data))
        except ValueError as error:
            raise WebhookError("The data of an event is a text that is not JSON") from error
    if not isinstance(data, dict):
        raise WebhookError("An event has no data")
    return cast("Event", data)


def _validation_code(event: Event) -> str:
    code = _data(event).get("validationCode")
    if not isinstance(code, str) or not code:
        raise WebhookError("A validation event has no validationCode")
    return code


def _blob_message(event: Event, function_id: str) -> BlobMessage:
    data = _data(event)
    container, blob = _place(str(event.get("subject") or ""), str(data.get("url") or ""))
    return BlobMessage(
        function_id=function_id,
        container=container,
        blob=blob,
        blob_type=str(data.get("blobType") or "BlockBlob"),
        etag=str(data.get("eTag") or data.get("etag") or ""),
    )


def _place(subject: str, url: str) -> tuple[str, str]:
    _, _, after = subject.partition(_SUBJECT_CONTAINER)
    container, mark, blob = after.partition(_SUBJECT_BLOB)
    if container and mark and blob:
        return container, blob
    # The path of an emulator begins with the account; the host name of a real account does not hold the container.
    parts = urlsplit(url)
    segments = unquote(parts.path).strip("/").split("/", 2 if _is_path_style(parts.hostname or "") else 1)
    if len(segments) < 2 or not all(segments):
        raise WebhookError("A BlobCreated event names no blob: it has neither a subject nor a url")
    return segments[-2], segments[-1]


def _is_path_style(host: str) -> bool:
    return host == "localhost" or host.replace(".", "").isdigit()
