"""PageManifests in the host's own storage account: one private container, a blob for each list of a copy."""

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from ferry.adapters.credentials import shared_credential
from ferry.adapters.storage_connection import StorageConnection
from ferry.domain.faults import EffectFailed, FaultCode

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport
    from azure.storage.blob import ContainerClient

CONTAINER = "copy-pages"


class BlobPageManifests:
    """The container `<prefix>-copy-pages`, made by the first list. Raises EffectFailed STORAGE_UNAVAILABLE."""

    def __init__(
        self,
        connection: StorageConnection,
        prefix: str = "ferry",
        *,
        credential: "TokenCredential | None" = None,
        transport: "HttpTransport[Any, Any] | None" = None,
    ) -> None:
        self._connection = connection
        self._name = f"{prefix}-{CONTAINER}"
        self._credential = credential
        self._transport = transport
        self._client: ContainerClient | None = None
        self._lock = threading.Lock()

    def keep(self, flow_id: str, number: int, content: bytes) -> bytes:
        """Put Blob with `If-None-Match: *`: one request, and one to read an earlier one."""
        name = _name(flow_id, number)
        if self._put(name, content):
            return content
        kept = self.read(flow_id, number)
        if kept is None:
            raise EffectFailed.because(
                FaultCode.STORAGE_UNAVAILABLE, f"list {name} was there and is not any more; try again", retryable=True
            )
        return kept

    def read(self, flow_id: str, number: int) -> bytes | None:
        """Get Blob."""
        from azure.core.exceptions import ResourceNotFoundError

        name = _name(flow_id, number)

        def get() -> bytes | None:
            try:
                return self._container().download_blob(name).readall()
            except ResourceNotFoundError:
                return None

        return self._told(get, f"reading list {name}")

    def flows(self) -> Iterator[str]:
        """List Blobs by delimiter: one request for 5000 flows."""
        from azure.core.exceptions import ResourceNotFoundError

        def walk() -> list[str]:
            try:
                return [str(it.name).rstrip("/") for it in self._container().walk_blobs(delimiter="/")]
            except ResourceNotFoundError:
                return []

        return iter(self._told(walk, f"listing container {self._name}"))

    def forget(self, flow_id: str) -> None:
        """List Blobs and Delete Blob; what is gone already is fine."""
        from azure.core.exceptions import ResourceNotFoundError

        def remove() -> None:
            container = self._container()
            try:
                for name in list(container.list_blob_names(name_starts_with=f"{flow_id}/")):
                    container.delete_blob(name)
            except ResourceNotFoundError:
                return

        self._told(remove, f"removing the lists of flow {flow_id}")

    def _put(self, name: str, content: bytes) -> bool:
        """False where there is one of that name."""
        from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

        def put() -> bool:
            container = self._container()
            for is_first in (True, False):
                try:
                    container.upload_blob(name, content, overwrite=False, length=len(content))
                except ResourceExistsError:
                    return False
                except ResourceNotFoundError:
                    if not is_first:
                        raise
                    self._create()
                else:
                    return True
            return False

        return self._told(put, f"keeping list {name}")

    def _create(self) -> None:
        from azure.core.exceptions import ResourceExistsError

        try:
            self._container().create_container()
        except ResourceExistsError:
            return

    def _told[T](self, act: Callable[[], T], doing: str) -> T:
        from ferry.adapters.azure_pipeline import failures_as

        with failures_as(FaultCode.STORAGE_UNAVAILABLE, doing):
            return act()

    def _container(self) -> "ContainerClient":
        with self._lock:
            self._client = self._client or self._connect()
            return self._client

    def _connect(self) -> "ContainerClient":
        from azure.storage.blob import ContainerClient, LinearRetry

        from ferry.adapters.azure_pipeline import FIRST_PAUSE_SECONDS, RETRIES, shared_transport

        retry = LinearRetry(retry_total=RETRIES)
        # The SDK's stubs ask for whole seconds; it computes with floats.
        retry.backoff, retry.random_jitter_range = FIRST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS / 2  # type: ignore[assignment]
        options: dict[str, Any] = {"transport": self._transport or shared_transport(), "retry_policy": retry}
        if self._connection.connection_string is not None:
            return ContainerClient.from_connection_string(
                self._connection.connection_string.reveal(), self._name, **options
            )
        credential = self._credential or shared_credential()
        return ContainerClient(self._connection.blob_endpoint, self._name, credential=credential, **options)


def _name(flow_id: str, number: int) -> str:
    return f"{flow_id}/{number:08d}"
