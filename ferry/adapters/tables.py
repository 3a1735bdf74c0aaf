"""The tables of one storage account. Nothing of the SDK is imported before the first table is used."""

import threading
from typing import TYPE_CHECKING, Any

from ferry.adapters.credentials import shared_credential
from ferry.adapters.storage_connection import StorageConnection

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport
    from azure.data.tables import TableClient

    from ferry.adapters.azure_table import AzureTable


class Tables:
    """The tables whose names begin with a prefix (letters and digits), reached by key or by identity."""

    def __init__(
        self,
        connection: StorageConnection,
        prefix: str = "Ferry",
        *,
        credential: "TokenCredential | None" = None,
        transport: "HttpTransport[Any, Any] | None" = None,
    ) -> None:
        self.prefix = prefix
        self._connection = connection
        self._credential = credential
        self._transport = transport
        self._tables: dict[str, AzureTable] = {}
        self._lock = threading.Lock()

    def table(self, name: str) -> "AzureTable":
        """The table `<prefix><name>`; no request is made."""
        from ferry.adapters.azure_table import AzureTable

        with self._lock:
            if name not in self._tables:
                self._tables[name] = AzureTable(self._connect(f"{self.prefix}{name}"))
            return self._tables[name]

    def _connect(self, name: str) -> "TableClient":
        from azure.data.tables import TableClient

        from ferry.adapters.azure_pipeline import retry_options, shared_transport

        # Not through the service's client: that hides the transport and its limit on pauses.
        options: dict[str, Any] = {"transport": self._transport or shared_transport(), **retry_options()}
        if self._connection.connection_string is not None:
            return TableClient.from_connection_string(self._connection.connection_string.reveal(), name, **options)
        credential = self._credential or shared_credential()
        return TableClient(self._connection.table_endpoint, name, credential=credential, **options)
