"""TaskQueue on Queue Storage: delayed looks. The SDK is imported by the first message."""

import threading
from typing import TYPE_CHECKING, Any

from ferry.adapters.credentials import shared_credential
from ferry.adapters.look_messages import encode_look, whole_delay_seconds
from ferry.adapters.storage_connection import StorageConnection
from ferry.domain.looks import QUEUE_OF_LANE, LookMessage, QueueName, queue_name

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport
    from azure.storage.queue import QueueClient

    from ferry.adapters.azure_queue import AzureQueue


class StorageTaskQueue:
    """The queues, `<prefix>-<queue>`; texts are plain, as `messageEncoding: none` in host.json wants them."""

    def __init__(
        self,
        connection: StorageConnection,
        prefix: str = "ferry",
        *,
        credential: "TokenCredential | None" = None,
        transport: "HttpTransport[Any, Any] | None" = None,
    ) -> None:
        self._connection = connection
        self._prefix = prefix
        self._credential = credential
        self._transport = transport
        self._queues: dict[QueueName, AzureQueue] = {}
        self._lock = threading.Lock()

    def send(self, message: LookMessage, *, delay_seconds: float) -> None:
        """Put a message that becomes visible after the delay: one request. Raises EffectFailed STORAGE_UNAVAILABLE."""
        self._queue(QUEUE_OF_LANE[message.lane]).send(encode_look(message), whole_delay_seconds(delay_seconds))

    def _queue(self, queue: QueueName) -> "AzureQueue":
        from ferry.adapters.azure_queue import AzureQueue

        with self._lock:
            if queue not in self._queues:
                self._queues[queue] = AzureQueue(self._connect(queue_name(self._prefix, queue)))
            return self._queues[queue]

    def _connect(self, name: str) -> "QueueClient":
        from azure.storage.queue import QueueClient

        from ferry.adapters.azure_pipeline import shared_transport
        from ferry.adapters.azure_queue import QuickRetry

        # Not through the service's client: that hides the transport and its limit on pauses.
        options: dict[str, Any] = {"transport": self._transport or shared_transport(), "retry_policy": QuickRetry()}
        if self._connection.connection_string is not None:
            return QueueClient.from_connection_string(self._connection.connection_string.reveal(), name, **options)
        credential = self._credential or shared_credential()
        return QueueClient(self._connection.queue_endpoint, name, credential=credential, **options)
