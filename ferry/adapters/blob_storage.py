"""AzureBlobStorage: containers and blobs of accounts that are ours, by key or by identity (steps 3, 10, 13, 16-18)."""

import base64
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_errors import Refusal, attempt, storage_failed
from ferry.adapters.blob_policies import ContainerPolicies
from ferry.adapters.blob_sas import SasSigner
from ferry.adapters.clock import SystemClock
from ferry.domain.secret import Secret
from ferry.ports.clock import Clock
from ferry.ports.storage import (
    Account,
    BlobHeaders,
    BlobItem,
    BlobPage,
    ContainerItem,
    ContainerPage,
    ContainerState,
    SasScope,
)
from ferry.ports.storage_failure import StorageFailed, StorageProblem

if TYPE_CHECKING:
    from azure.storage.blob import BlobProperties, ContainerProperties

OWNER_METADATA = "ferry_process"
PARTICIPANT_METADATA = "ferry_participant"
PAGE_SIZE = 5000
_DELETE_TRIES = 3
_FOLDER_METADATA = "hdi_isfolder"


class AzureBlobStorage:
    """Object storage of Azure. Safe for threads; every method raises StorageFailed as its errors."""

    def __init__(self, clients: BlobClients, clock: Clock | None = None, *, page_size: int = PAGE_SIZE) -> None:
        self._clients = clients
        self._page_size = page_size
        self._signer = SasSigner(clients, clock or SystemClock())
        self._policies = ContainerPolicies(clients, clock or SystemClock())

    def create_container(
        self, account: Account, container: str, owner_id: str, *, participant_id: str = ""
    ) -> ContainerState:
        """Create it with its owner's name in the same request, so that 409 can be told apart."""
        client = self._clients.container(account, container)
        told = {PARTICIPANT_METADATA: quote(participant_id, safe=":")} if participant_id else {}
        made = attempt(lambda: client.create_container(metadata={OWNER_METADATA: owner_id, **told}))
        if not isinstance(made, Refusal):
            return ContainerState.CREATED
        if made.code != "ContainerAlreadyExists":
            raise storage_failed(made, account, f"container {container}")
        found = attempt(client.get_container_properties)
        if isinstance(found, Refusal):
            if found.status == 404:
                found = Refusal(409, "ContainerBeingDeleted")
            raise storage_failed(found, account, f"container {container}")
        return ContainerState.OURS if found.metadata.get(OWNER_METADATA) == owner_id else ContainerState.FOREIGN

    def container_exists(self, account: Account, container: str) -> bool:
        """Whether it is there."""
        found = attempt(self._clients.container(account, container).get_container_properties)
        if isinstance(found, Refusal) and found.status != 404:
            raise storage_failed(found, account, f"container {container}")
        return not isinstance(found, Refusal)

    def list_containers(
        self, account: Account, prefix: str, *, after: str | None = None, limit: int = PAGE_SIZE
    ) -> ContainerPage:
        """One page; `after` is the service's own marker. What is being deleted is not shown."""
        service = self._clients.service(account)

        def read() -> "tuple[list[ContainerProperties], str | None]":
            size = min(limit, self._page_size)
            listing: Any = service.list_containers(prefix or None, include_metadata=True, results_per_page=size)
            pages = listing.by_page(after)
            found = list(next(pages))
            return found, pages.continuation_token

        page = attempt(read)
        if isinstance(page, Refusal):
            raise storage_failed(page, account, "the list of containers")
        found, marker = page
        return ContainerPage(tuple(_container_item(it) for it in found), marker or None)

    def delete_container(self, account: Account, container: str, owner_id: str) -> bool:
        """Delete it if its metadata names that owner; one that was made anew in between is not hit."""
        client = self._clients.container(account, container)
        for _ in range(_DELETE_TRIES):
            found = attempt(client.get_container_properties)
            if isinstance(found, Refusal):
                if found.status == 404:
                    return False
                raise storage_failed(found, account, f"container {container}")
            if found.metadata.get(OWNER_METADATA) != owner_id:
                return False
            seen_at = found.last_modified
            deleted = attempt(lambda at=seen_at: client.delete_container(if_unmodified_since=at))
            if not isinstance(deleted, Refusal):
                return True
            if deleted.code == "ContainerBeingDeleted" or deleted.status == 404:
                return True
            if deleted.code != "ConditionNotMet":
                raise _not_deleted(deleted, account, container)
        raise _not_deleted(Refusal(503, "ConditionNotMet"), account, container)

    def add_access_policy(self, account: Account, scope: SasScope, *, exclusive: bool = False) -> bool:
        """Put the policy on the container; `exclusive` is one request, else it is five under a short lease."""
        return self._policies.add(account, scope, exclusive=exclusive)

    def remove_access_policy(
        self, account: Account, container: str, policy_id: str, *, exclusive: bool = False
    ) -> None:
        """Take the policy off; a container that is gone has none."""
        try:
            self._policies.remove(account, container, policy_id, exclusive=exclusive)
        except StorageFailed as failed:
            if failed.problem is not StorageProblem.CONTAINER_MISSING:
                raise

    def issue_sas(self, account: Account, scope: SasScope) -> Secret:
        """A SAS, signed with the key or with a user delegation key; the latter ends after 60 minutes at most."""
        return self._signer.issue(account, scope)

    def list_blobs(self, account: Account, container: str, prefix: str, *, after: str | None = None) -> BlobPage:
        """One page; `after` is the service's own marker. Folders of hierarchical namespaces are left out."""
        client = self._clients.container(account, container)

        def read() -> "tuple[list[BlobProperties], str | None]":
            listing: Any = client.list_blobs(prefix or None, include=["metadata"], results_per_page=self._page_size)
            pages = listing.by_page(after)
            found = list(next(pages))
            return found, pages.continuation_token

        page = attempt(read)
        if isinstance(page, Refusal):
            raise storage_failed(page, account, f"container {container}")
        found, marker = page
        return BlobPage(tuple(_item(blob) for blob in found if not _is_folder(blob)), marker or None)

    def head_blob(self, account: Account, container: str, name: str) -> BlobItem | None:
        """One blob's properties."""
        blob = self._clients.container(account, container).get_blob_client(name)
        found = attempt(blob.get_blob_properties)
        if isinstance(found, Refusal):
            return self._none_if_missing(found, account, container, name)
        return _item(found)

    def read_blob(self, account: Account, container: str, name: str, *, limit_bytes: int) -> bytes | None:
        """A small blob in one request."""
        client = self._clients.container(account, container)
        content = attempt(lambda: client.download_blob(name, offset=0, length=limit_bytes).readall())
        if not isinstance(content, Refusal):
            return content
        # An empty blob has no range that could be asked for.
        return b"" if content.status == 416 else self._none_if_missing(content, account, container, name)

    def read_range(self, account: Account, container: str, item: BlobItem, *, start: int, size_bytes: int) -> bytes:
        """A part of a blob in one request, of just the version that was listed."""
        from azure.core import MatchConditions

        client = self._clients.container(account, container)
        options: dict[str, Any] = {"etag": item.etag, "match_condition": MatchConditions.IfNotModified}
        content = attempt(lambda: client.download_blob(item.name, offset=start, length=size_bytes, **options).readall())
        if not isinstance(content, Refusal):
            return content
        if content.status == 412 and self.head_blob(account, container, item.name) is None:
            content = Refusal(404, "BlobNotFound")
        raise storage_failed(content, account, _where(container, item.name))

    def delete_blob(self, account: Account, container: str, name: str) -> None:
        """Delete one blob, with its snapshots."""
        client = self._clients.container(account, container)
        deleted = attempt(lambda: client.delete_blob(name, delete_snapshots="include"))
        if isinstance(deleted, Refusal) and deleted.status != 404:
            raise storage_failed(deleted, account, _where(container, name))

    def _none_if_missing(self, refusal: Refusal, account: Account, container: str, name: str) -> None:
        failed = storage_failed(refusal, account, _where(container, name))
        if failed.problem is not StorageProblem.BLOB_MISSING:
            raise failed


def _not_deleted(refusal: Refusal, account: Account, container: str) -> StorageFailed:
    if refusal.code in ("LeaseIdMissing", "LeaseIdMismatchWithContainerOperation"):
        return StorageFailed(
            StorageProblem.UNAVAILABLE,
            f"container {container} in account {account.name} is leased by somebody and cannot be deleted; "
            "break the lease, it is tried again",
        )
    return storage_failed(refusal, account, f"container {container}")


def _where(container: str, name: str) -> str:
    return f"blob {name!r} in container {container}"


def _container_item(container: "ContainerProperties") -> ContainerItem:
    metadata = container.metadata or {}
    owner_id, participant_id = metadata.get(OWNER_METADATA) or None, metadata.get(PARTICIPANT_METADATA)
    return ContainerItem(
        container.name, owner_id, container.last_modified, unquote(participant_id) if participant_id else None
    )


def _is_folder(blob: "BlobProperties") -> bool:
    return (blob.metadata or {}).get(_FOLDER_METADATA) == "true"


def _item(blob: "BlobProperties") -> BlobItem:
    settings = blob.content_settings
    # A listing gives ETags without the quotes that conditions need.
    etag = blob.etag if blob.etag.startswith('"') else f'"{blob.etag}"'
    return BlobItem(
        name=blob.name,
        size_bytes=blob.size,
        etag=etag,
        created_at=blob.creation_time,
        content_md5=base64.b64encode(settings.content_md5).decode() if settings.content_md5 else None,
        headers=BlobHeaders(
            content_type=settings.content_type,
            content_encoding=settings.content_encoding,
            content_language=settings.content_language,
            content_disposition=settings.content_disposition,
            cache_control=settings.cache_control,
            metadata=blob.metadata or {},
        ),
    )
