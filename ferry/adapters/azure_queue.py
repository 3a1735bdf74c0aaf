"""One queue of Queue Storage, made on demand. Importing this module imports the SDK."""

from typing import Any

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.queue import ExponentialRetry, QueueClient, StorageErrorCode

from ferry.adapters.azure_pipeline import FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, RETRIES, failures_as
from ferry.domain.faults import FaultCode


class QuickRetry(ExponentialRetry):
    """Pauses of 0.2, 0.4 and 0.8 seconds; the SDK's own begin with fifteen."""

    def __init__(self) -> None:
        super().__init__(retry_total=RETRIES)

    def get_backoff_time(self, settings: dict[str, Any]) -> float:
        """Seconds to wait before the next try."""
        return min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (int(settings["count"]) - 1))


class AzureQueue:
    """One queue; the first message creates it."""

    def __init__(self, client: QueueClient) -> None:
        self._client = client

    def send(self, text: str, delay_seconds: int) -> None:
        """Put a message that becomes visible after the delay. Raises EffectFailed STORAGE_UNAVAILABLE."""
        with failures_as(FaultCode.STORAGE_UNAVAILABLE, f"sending to queue {self._client.queue_name}"):
            try:
                self._put(text, delay_seconds)
            except ResourceNotFoundError:
                self._create()
                self._put(text, delay_seconds)

    def _put(self, text: str, delay_seconds: int) -> None:
        # Without an end, because a message must not expire before its delay is over.
        self._client.send_message(text, visibility_timeout=delay_seconds, time_to_live=-1)

    def _create(self) -> None:
        try:
            self._client.create_queue()
        except ResourceExistsError as error:
            # Of two that create it at once, one is answered 204, which the SDK raises as well.
            if getattr(error, "error_code", None) != StorageErrorCode.QUEUE_ALREADY_EXISTS:
                raise
