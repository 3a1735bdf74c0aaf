"""Storage connections of bindings: a connection string, or the identity form of the same setting."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from ferry.devhost.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from azure.core.credentials import TokenCredential
    from azure.storage.blob import BlobServiceClient
    from azure.storage.queue import QueueServiceClient

HOST_STORAGE = "AzureWebJobsStorage"
# Listener threads, output threads and timers share one HTTP session per account.
_POOL_SIZE = 64

type Service = Literal["blob", "queue"]


@dataclass(frozen=True, slots=True)
class StorageConnection:
    """Where an account is: `connection_string`, or service addresses opened with an identity."""

    setting: str
    connection_string: str = ""
    queue_uri: str = ""
    blob_uri: str = ""
    client_id: str = ""

    def __repr__(self) -> str:
        return f"StorageConnection({self.setting})"


def resolve_connection(name: str, environ: Mapping[str, str] = os.environ) -> StorageConnection:
    """Find the settings of a binding's `connection`; raises SettingsError when there are none."""
    for setting in (f"AzureWebJobs{name}", name):
        if environ.get(setting):
            return StorageConnection(setting=setting, connection_string=environ[setting])
        identity = _identity_form(setting, environ)
        if identity is not None:
            return identity
    raise SettingsError(
        f"The connection '{name}' has no setting; set {name} to a connection string (UseDevelopmentStorage=true for "
        f"Azurite), or {name}__accountName, or {name}__queueServiceUri and {name}__blobServiceUri"
    )


def _identity_form(setting: str, environ: Mapping[str, str]) -> StorageConnection | None:
    account = environ.get(f"{setting}__accountName", "")
    queue_uri = environ.get(f"{setting}__queueServiceUri", "")
    blob_uri = environ.get(f"{setting}__blobServiceUri", "") or environ.get(f"{setting}__serviceUri", "")
    if not (account or queue_uri or blob_uri):
        return None
    return StorageConnection(
        setting=setting,
        queue_uri=queue_uri or (f"https://{account}.queue.core.windows.net" if account else ""),
        blob_uri=blob_uri or (f"https://{account}.blob.core.windows.net" if account else ""),
        client_id=environ.get(f"{setting}__clientId", ""),
    )


@lru_cache
def queue_service(connection: StorageConnection) -> QueueServiceClient:
    """Client of the account's queues; one per connection and process."""
    from azure.core.pipeline.transport import RequestsTransport
    from azure.storage.queue import ExponentialRetry, QueueServiceClient

    transport = RequestsTransport(session=_session(), session_owner=False)
    retry = ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=3, random_jitter_range=1)
    if connection.connection_string:
        return QueueServiceClient.from_connection_string(
            connection.connection_string, transport=transport, retry_policy=retry
        )
    uri = _service_uri(connection, "queue")
    return QueueServiceClient(uri, _credential(connection), transport=transport, retry_policy=retry)


@lru_cache
def blob_service(connection: StorageConnection) -> BlobServiceClient:
    """Client of the account's blobs; one per connection and process."""
    from azure.core.pipeline.transport import RequestsTransport
    from azure.storage.blob import BlobServiceClient, ExponentialRetry

    transport = RequestsTransport(session=_session(), session_owner=False)
    retry = ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=3, random_jitter_range=1)
    if connection.connection_string:
        return BlobServiceClient.from_connection_string(
            connection.connection_string, transport=transport, retry_policy=retry
        )
    uri = _service_uri(connection, "blob")
    return BlobServiceClient(uri, _credential(connection), transport=transport, retry_policy=retry)


def _service_uri(connection: StorageConnection, service: Service) -> str:
    uri = connection.queue_uri if service == "queue" else connection.blob_uri
    if not uri:
        raise SettingsError(f"The connection '{connection.setting}' has no {connection.setting}__{service}ServiceUri")
    return uri


@lru_cache
def _credential_for(client_id: str) -> TokenCredential:
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential(managed_identity_client_id=client_id or None)


def _credential(connection: StorageConnection) -> TokenCredential:
    return _credential_for(connection.client_id)


def _session() -> object:
    import requests
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    adapter = HTTPAdapter(pool_connections=4, pool_maxsize=_POOL_SIZE)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session
