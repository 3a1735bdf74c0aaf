"""One storage queue as the host uses it: receive, renew, release, delete, send with creation on demand."""

from __future__ import annotations

import base64
import binascii
import contextlib
import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from ferry.devhost.connections import queue_service

if TYPE_CHECKING:
    from datetime import datetime

    from azure.storage.queue import QueueClient

    from ferry.devhost.connections import StorageConnection

type MessageEncoding = Literal["base64", "none"]

_POLL_TIMEOUTS = {"connection_timeout": 5, "read_timeout": 30, "retry_total": 0}
POISON_SUFFIX = "-poison"
_MAX_QUEUE_NAME = 63


@dataclass(slots=True)
class ReceivedMessage:
    """A message in hand; `pop_receipt` changes with every renewal. Times are UTC."""

    id: str
    text: str
    pop_receipt: str
    dequeue_count: int
    inserted_at: datetime
    expires_at: datetime
    next_visible_at: datetime


class MessageQueue:
    """A queue of one account; the SDK is imported with the first request."""

    def __init__(self, connection: StorageConnection, name: str, *, encoding: MessageEncoding) -> None:
        self.name = name
        self._connection = connection
        self._encoding: MessageEncoding = encoding

    @property
    def key(self) -> tuple[StorageConnection, str]:
        """What two objects for the same queue have in common."""
        return (self._connection, self.name)

    def open(self) -> None:
        """Make the client now rather than with the first request."""
        _ = self._client

    def poison_queue(self) -> MessageQueue | None:
        """The queue for messages that failed too often; None for a poison queue and where the name gets too long."""
        name = self.name + POISON_SUFFIX
        if self.name.endswith(POISON_SUFFIX) or len(name) > _MAX_QUEUE_NAME:
            return None
        return MessageQueue(self._connection, name, encoding=self._encoding)

    def receive(self, max_messages: int, visibility_seconds: int) -> list[ReceivedMessage]:
        """Up to max_messages visible messages in one request; none when the queue does not exist."""
        from azure.core.exceptions import ResourceNotFoundError

        pages = self._client.receive_messages(
            messages_per_page=max_messages, visibility_timeout=visibility_seconds, **_POLL_TIMEOUTS
        ).by_page()
        try:
            page = list(next(pages, ()))
        except ResourceNotFoundError:
            return []
        return [
            ReceivedMessage(
                id=message.id,
                text=str(message.content or ""),
                pop_receipt=message.pop_receipt or "",
                dequeue_count=message.dequeue_count or 0,
                inserted_at=_present(message.inserted_on),
                expires_at=_present(message.expires_on),
                next_visible_at=_present(message.next_visible_on),
            )
            for message in page
        ]

    def set_visibility(self, message: ReceivedMessage, seconds: float) -> bool:
        """Hide the message for so long from now; False when it is no longer ours."""
        from azure.core.exceptions import HttpResponseError

        try:
            updated = self._client.update_message(
                message.id,
                message.pop_receipt,
                visibility_timeout=math.ceil(seconds),
                connection_timeout=5,
                read_timeout=30,
            )
        except HttpResponseError as error:
            if _is_lost(error):
                return False
            raise
        message.pop_receipt = updated.pop_receipt or message.pop_receipt
        return True

    def delete(self, message: ReceivedMessage) -> bool:
        """Delete the message; False when it is no longer ours."""
        from azure.core.exceptions import HttpResponseError

        try:
            self._client.delete_message(message.id, message.pop_receipt)
        except HttpResponseError as error:
            if _is_lost(error):
                return False
            raise
        return True

    def decode(self, text: str) -> bytes:
        """Body of a message text; raises ValueError when it is not in the app's encoding."""
        if self._encoding == "none":
            return text.encode()
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error as error:
            raise ValueError(f"the text of the message is not base64: {error}") from error

    def send(self, body: bytes) -> None:
        """Send a body in the app's encoding; the queue is created when there is none."""
        self.send_text(body.decode() if self._encoding == "none" else base64.b64encode(body).decode())

    def send_text(self, text: str) -> None:
        """Send a message text as it is; the queue is created when there is none."""
        from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

        try:
            self._client.send_message(text)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                self._client.create_queue()
            self._client.send_message(text)

    @cached_property
    def _client(self) -> QueueClient:
        return queue_service(self._connection).get_queue_client(self.name)


def _is_lost(error: Exception) -> bool:
    from azure.core.exceptions import HttpResponseError

    if not isinstance(error, HttpResponseError):
        return False
    code = getattr(error, "error_code", "")
    return error.status_code == 404 or (error.status_code == 400 and str(code).endswith("PopReceiptMismatch"))


def _present(moment: datetime | None) -> datetime:
    if moment is None:
        raise ValueError("the queue service sent a message without its times")
    return moment
