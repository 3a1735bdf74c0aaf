"""The SDK's blob clients: made once per account, container and credential, over connections that all of them share.

An account of ours is called by key or identity and the SDK tries again; a destination for which only a SAS is held is
called through the egress guard and never tried again by the SDK, whose pauses would be far too long.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ferry.adapters.credentials import shared_credential
from ferry.adapters.egress import EgressGuard
from ferry.domain.secret import Secret
from ferry.ports.storage import Account
from ferry.ports.storage_failure import StorageFailed, StorageProblem

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport, RequestsTransport
    from azure.storage.blob import BlobServiceClient, ContainerClient

BLOCK_BYTES = 8 * 1024 * 1024
CONNECT_SECONDS = 3.0
READ_SECONDS = 30.0
_RETRIES = 3
_PAUSE_SECONDS = 0.2
_KEPT_CLIENTS = 128


class BlobClients:
    """Clients for accounts of ours and for destinations. Safe for threads.

    Without a `guard` destinations are called like our own accounts, which is for tools that trust their addresses.
    `transport` is that of the process where none is given.
    """

    def __init__(
        self,
        *,
        guard: EgressGuard | None = None,
        credential: "Callable[[], TokenCredential]" = shared_credential,
        transport: "HttpTransport[Any, Any] | None" = None,
    ) -> None:
        self._guard = guard
        self._credential = credential
        self._transport = transport
        self._lock = threading.Lock()
        self._services: OrderedDict[tuple[str, Secret | None], BlobServiceClient] = OrderedDict()
        self._containers: OrderedDict[tuple[str, str, Secret | None], ContainerClient] = OrderedDict()
        self._guarded: RequestsTransport | None = None

    def service(self, account: Account) -> "BlobServiceClient":
        """The client of an account. Raises StorageFailed where its identity cannot be used over plain HTTP."""
        if account.key is None and account.sas is None and not account.endpoint.startswith("https:"):
            raise StorageFailed(
                StorageProblem.REFUSED,
                f"account {account.name} at {account.endpoint} has no key, and an identity is not shown over plain "
                "HTTP; use https, or a key",
            )
        shown = account.key or account.sas
        return self._kept(self._services, (account.endpoint, shown), lambda: self._new_service(account))

    def container(self, account: Account, container: str) -> "ContainerClient":
        """The client of a container of ours."""
        service = self.service(account)
        key = (account.endpoint, container, account.key or account.sas)
        return self._kept(self._containers, key, lambda: service.get_container_client(container))

    def by_sas(self, endpoint: str, container: str, sas: Secret) -> "ContainerClient":
        """The client of a container for which a SAS is held."""
        key = (f"{endpoint}?", container, sas)
        return self._kept(self._containers, key, lambda: self._new_by_sas(endpoint, container, sas))

    def close(self) -> None:
        """Close the idle connections to destinations; new requests open new ones."""
        with self._lock:
            if self._guarded is not None and self._guarded.session is not None:
                self._guarded.session.close()

    def _kept[K, C](self, clients: "OrderedDict[K, C]", key: K, make: Callable[[], C]) -> C:
        with self._lock:
            client = clients.get(key)
        if client is None:
            client = make()
        with self._lock:
            client = clients.setdefault(key, client)
            clients.move_to_end(key)
            while len(clients) > _KEPT_CLIENTS:
                clients.popitem(last=False)
        return client

    def _new_service(self, account: Account) -> "BlobServiceClient":
        from azure.storage.blob import BlobServiceClient, LinearRetry

        key, sas = account.key, account.sas
        if key is not None:
            credential = {"account_name": account.name, "account_key": key.reveal()}
        else:
            credential = sas.reveal() if sas is not None else self._credential()
        # The SDK's stubs ask for whole seconds; it computes with floats.
        retry = LinearRetry(retry_total=_RETRIES)
        retry.backoff, retry.random_jitter_range = _PAUSE_SECONDS, _PAUSE_SECONDS / 2  # type: ignore[assignment]
        return BlobServiceClient(
            account.endpoint,
            credential=credential,
            # Where somebody else's account answers was told by a peer.
            transport=self._own_transport() if sas is None else self._destination_transport(),
            retry_policy=retry,
            permit_redirects=False,
            max_single_get_size=BLOCK_BYTES,
            max_chunk_get_size=BLOCK_BYTES,
        )

    def _new_by_sas(self, endpoint: str, container: str, sas: Secret) -> "ContainerClient":
        from azure.storage.blob import ContainerClient

        return ContainerClient(
            endpoint,
            container,
            credential=sas.reveal(),
            transport=self._destination_transport(),
            retry_total=0,
            permit_redirects=False,
        )

    def _own_transport(self) -> "HttpTransport[Any, Any]":
        from ferry.adapters.azure_pipeline import shared_transport

        return self._transport or shared_transport()

    def _destination_transport(self) -> "HttpTransport[Any, Any]":
        from ferry.adapters.guarded_requests import guarded_transport

        if self._guard is None:
            return self._own_transport()
        with self._lock:
            guarded = self._guarded or guarded_transport(
                self._guard, connect_seconds=CONNECT_SECONDS, read_seconds=READ_SECONDS
            )
            self._guarded = guarded
        return guarded
