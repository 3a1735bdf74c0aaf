"""The shared listener of blob triggers: reads the blob that a message names and runs its function."""

from __future__ import annotations

import json
import logging
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ferry.devhost.blob_events import FUNCTION_PREFIX, BlobMessage
from ferry.devhost.connections import blob_service
from ferry.devhost.message_queue import MessageQueue
from ferry.devhost.protos import TypedData

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.storage.blob import BlobProperties

    from ferry.devhost.connections import StorageConnection
    from ferry.devhost.functions import FunctionDefinition
    from ferry.devhost.invoker import Invoker
    from ferry.devhost.message_queue import ReceivedMessage
    from ferry.devhost.queue_listener import QueueWatcher

logger = logging.getLogger("ferry.devhost")

POISON_QUEUE = "webjobs-blobtrigger-poison"


@dataclass(frozen=True, slots=True)
class BlobInput:
    """A blob as a function gets it: all of its bytes, and what is known about it."""

    content: bytes
    metadata: Mapping[str, TypedData]


@dataclass(frozen=True, slots=True)
class BlobRegistration:
    """A function with a blob trigger and the account that it reads."""

    function: FunctionDefinition
    connection: StorageConnection


class BlobTriggers:
    """All blob-triggered functions of the app, fed by the host's internal queue."""

    def __init__(self, queue: MessageQueue, invoker: Invoker, watcher: QueueWatcher) -> None:
        self.queue = queue
        self._invoker = invoker
        self._watcher = watcher
        self._registrations: dict[str, BlobRegistration] = {}

    def register(self, registration: BlobRegistration) -> None:
        """Let messages for this function run it."""
        self._registrations[FUNCTION_PREFIX + registration.function.name] = registration

    def knows(self, function_id: str) -> bool:
        """Whether a function goes by this id (`Host.Functions.<name>`)."""
        return function_id in self._registrations

    def enqueue(self, message: BlobMessage) -> None:
        """Put a blob on the internal queue and wake its listener here."""
        self.queue.send(message.to_json().encode())
        self._watcher.notify(self.queue)

    def handle(self, message: ReceivedMessage, body: bytes) -> Future[bool]:
        """Run the function that a message names; a blob that is gone counts as done."""
        del message
        blob_message = BlobMessage.from_json(body.decode())
        registration = self._registrations.get(blob_message.function_id)
        if registration is None:
            logger.warning(
                "a blob message names '%s', which is not in this app; it is dropped", blob_message.function_id
            )
            return _done(succeeded=True)
        try:
            blob = read_blob(registration.connection, blob_message.container, blob_message.blob)
        except Exception as error:
            logger.error("blob %s/%s cannot be read: %s", blob_message.container, blob_message.blob, error)
            return _done(succeeded=False)
        if blob is None:
            logger.info("blob %s/%s is gone; its message is dropped", blob_message.container, blob_message.blob)
            return _done(succeeded=True)
        return self._invoker.submit(registration.function, TypedData(bytes=blob.content), blob.metadata)

    def poison_queue(self, message: ReceivedMessage) -> MessageQueue | None:
        """The poison queue lies in the account of the blob, not of the host."""
        try:
            blob_message = BlobMessage.from_json(self.queue.decode(message.text).decode())
            connection = self._registrations[blob_message.function_id].connection
        except (ValueError, KeyError):
            return self.queue.poison_queue()
        return MessageQueue(connection, POISON_QUEUE, encoding="base64")


def read_blob(connection: StorageConnection, container: str, name: str) -> BlobInput | None:
    """The whole blob, or None when there is none."""
    from azure.core.exceptions import ResourceNotFoundError

    client = blob_service(connection).get_blob_client(container, name)
    try:
        download = client.download_blob()
        content = download.readall()
    except ResourceNotFoundError:
        return None
    properties = download.properties
    metadata = {
        "BlobTrigger": TypedData(string=f"{container}/{name}"),
        "Uri": TypedData(string=str(client.url).split("?", 1)[0]),
        "Properties": TypedData(json=json.dumps(_properties(properties, len(content)))),
        "Metadata": TypedData(json=json.dumps(dict(properties.metadata or {}))),
    }
    return BlobInput(content=content, metadata=metadata)


def _properties(properties: BlobProperties, length: int) -> dict[str, object]:
    settings = properties.content_settings
    return {
        "ContentLength": length,
        "Length": length,
        "ContentType": settings.content_type,
        "ContentEncoding": settings.content_encoding,
        "ContentLanguage": settings.content_language,
        "ContentDisposition": settings.content_disposition,
        "CacheControl": settings.cache_control,
        "ETag": properties.etag,
        "LastModified": properties.last_modified.isoformat() if properties.last_modified else None,
        "CreatedOn": properties.creation_time.isoformat() if properties.creation_time else None,
        "BlobType": str(properties.blob_type.value) if properties.blob_type else None,
    }


def _done(*, succeeded: bool) -> Future[bool]:
    future: Future[bool] = Future()
    future.set_result(succeeded)
    return future
