"""Object storage without a socket: the twins of AzureBlobStorage and AzureBlobWriter, over one MemoryCloud."""

from bisect import bisect_right

from ferry.adapters.memory_cloud import MemoryBlob, MemoryCloud, MemoryContainer, MemoryRequest, SasRefused, item_of
from ferry.adapters.memory_sas import MemoryPolicy, sign
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.secret import Secret
from ferry.ports.copying import BlobTarget, PutOutcome
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

OWNER_METADATA = "ferry_process"
PARTICIPANT_METADATA = "ferry_participant"
MAX_POLICIES = 5


class MemoryStorage:
    """Containers and blobs of accounts that are ours."""

    def __init__(self, cloud: MemoryCloud) -> None:
        self._cloud = cloud

    def create_container(
        self, account: Account, container: str, owner_id: str, *, participant_id: str = ""
    ) -> ContainerState:
        """Create it; what is there already is ours or somebody else's by its metadata."""
        containers = self._cloud.open_as_owner(account, "Create Container", container).containers
        with self._cloud.lock:
            if container in containers:
                ours = containers[container].metadata.get(OWNER_METADATA) == owner_id
                return ContainerState.OURS if ours else ContainerState.FOREIGN
            told = {PARTICIPANT_METADATA: participant_id} if participant_id else {}
            containers[container] = MemoryContainer(self._cloud.clock.now(), {OWNER_METADATA: owner_id, **told})
            return ContainerState.CREATED

    def container_exists(self, account: Account, container: str) -> bool:
        """Whether it is there."""
        return container in self._cloud.open_as_owner(account, "Get Container Properties", container).containers

    def list_containers(
        self, account: Account, prefix: str, *, after: str | None = None, limit: int = 5000
    ) -> ContainerPage:
        """One page of names in order; the marker is the last name of the page before."""
        containers = self._cloud.open_as_owner(account, "List Containers").containers
        with self._cloud.lock:
            names = sorted(name for name in containers if name.startswith(prefix))
            start = bisect_right(names, after) if after is not None else 0
            page = names[start : start + min(limit, self._cloud.page_size)]
            is_last = start + len(page) >= len(names)
            items = tuple(_container_item(name, containers[name]) for name in page)
            return ContainerPage(items, None if is_last else page[-1])

    def delete_container(self, account: Account, container: str, owner_id: str) -> bool:
        """Delete it if its metadata names that owner."""
        containers = self._cloud.open_as_owner(account, "Delete Container", container).containers
        with self._cloud.lock:
            if container not in containers or containers[container].metadata.get(OWNER_METADATA) != owner_id:
                return False
            del containers[container]
            return True

    def add_access_policy(self, account: Account, scope: SasScope, *, exclusive: bool = False) -> bool:
        """Put the policy on the container; False where there are five others."""
        if scope.policy_id is None:
            raise ValueError("a stored access policy needs an id")
        found = self._cloud.container_as_owner(account, "Set Container ACL", scope.container)
        with self._cloud.lock:
            others = {} if exclusive else {key: kept for key, kept in found.policies.items() if key != scope.policy_id}
            if len(others) >= MAX_POLICIES:
                return False
            policy = MemoryPolicy(scope.permissions, scope.starts_at, scope.expires_at)
            found.policies = {**others, scope.policy_id: policy}
            found.last_modified_at = self._cloud.clock.now()
            return True

    def remove_access_policy(
        self, account: Account, container: str, policy_id: str, *, exclusive: bool = False
    ) -> None:
        """Take the policy off; all of them where the container is ours alone."""
        found = self._cloud.open_as_owner(account, "Set Container ACL", container).containers.get(container)
        with self._cloud.lock:
            if found is not None:
                kept = {} if exclusive else {key: p for key, p in found.policies.items() if key != policy_id}
                found.policies = kept
                found.last_modified_at = self._cloud.clock.now()

    def issue_sas(self, account: Account, scope: SasScope) -> Secret:
        """A SAS signed with the account's key, or with the delegation key of our identity."""
        known = self._cloud.accounts.get(account.endpoint)
        if account.key is None:
            known = self._cloud.open_as_owner(account, "Get User Delegation Key")
        key = account.key or (known.delegation_key if known is not None else None)
        if key is None:
            raise ValueError("neither a key nor an identity to sign with")
        return sign(account.name, scope, key, https_only=account.endpoint.startswith("https:"))

    def list_blobs(self, account: Account, container: str, prefix: str, *, after: str | None = None) -> BlobPage:
        """One page of names in order; the marker is the last name of the page before."""
        blobs = self._cloud.container_as_owner(account, "List Blobs", container).blobs
        with self._cloud.lock:
            names = sorted(name for name in blobs if name.startswith(prefix))
            start = bisect_right(names, after) if after is not None else 0
            page = names[start : start + self._cloud.page_size]
            is_last = start + len(page) >= len(names)
            return BlobPage(tuple(item_of(name, blobs[name]) for name in page), None if is_last else page[-1])

    def head_blob(self, account: Account, container: str, name: str) -> BlobItem | None:
        """One blob's properties."""
        blob = self._cloud.container_as_owner(account, "Get Blob Properties", container, name).blobs.get(name)
        return item_of(name, blob) if blob is not None else None

    def read_blob(self, account: Account, container: str, name: str, *, limit_bytes: int) -> bytes | None:
        """A small blob, cut at the limit."""
        blob = self._cloud.container_as_owner(account, "Get Blob", container, name).blobs.get(name)
        return blob.content[:limit_bytes] if blob is not None else None

    def delete_blob(self, account: Account, container: str, name: str) -> None:
        """Delete one blob."""
        found = self._cloud.open_as_owner(account, "Delete Blob", container, name).containers.get(container)
        with self._cloud.lock:
            if found is not None:
                found.blobs.pop(name, None)

    def read_range(self, account: Account, container: str, item: BlobItem, *, start: int, size_bytes: int) -> bytes:
        """A part of a blob, of just the version that was listed."""
        return self._pinned(account, container, item)[start : start + size_bytes]

    def _pinned(self, account: Account, container: str, item: BlobItem) -> bytes:
        blob = self._cloud.container_as_owner(account, "Get Blob", container, item.name).blobs.get(item.name)
        where = f"blob {item.name!r} in container {container} of account {account.name}"
        if blob is None:
            raise StorageFailed(StorageProblem.BLOB_MISSING, f"{where} does not exist; a retry does not help")
        if blob.etag != item.etag:
            raise StorageFailed(StorageProblem.BLOB_CHANGED, f"{where} was changed since it was listed")
        return blob.content


class MemoryBlobWriter:
    """Blobs at a destination for which only a write SAS is held."""

    def __init__(self, cloud: MemoryCloud) -> None:
        self._cloud = cloud

    def put_bytes(self, target: BlobTarget, content: bytes, content_type: str) -> PutOutcome:
        """Upload a small blob."""
        self._cloud.enter(_request("Put Blob", target))
        return self._put(target, self._cloud.new_blob(content, BlobHeaders(content_type=content_type)))

    def _put(self, target: BlobTarget, blob: MemoryBlob) -> PutOutcome:
        with self._cloud.lock:
            blobs = self._container(target).blobs
            if target.name in blobs:
                return PutOutcome.EXISTS
            blobs[target.name] = blob
            return PutOutcome.WRITTEN

    def _container(self, target: BlobTarget) -> MemoryContainer:
        where = f"container {target.container} at {target.endpoint}"
        code = ""
        try:
            found = self._cloud.container_by_sas(
                target.endpoint, target.container, target.name, sas=target.sas, letters="cw"
            )
        except SasRefused as refused:
            found, code = None, refused.code
        except StorageFailed as failed:
            raise EffectFailed.because(
                FaultCode.DESTINATION_UNAVAILABLE, failed.fault.message, retryable=True
            ) from None
        if code:
            raise EffectFailed.because(
                FaultCode.SAS_REFUSED, f"{where} refuses the SAS ({code}); the consumer must issue a new one"
            )
        if found is None:
            raise EffectFailed.because(FaultCode.DESTINATION_GONE, f"{where} does not exist any more")
        return found


def _container_item(name: str, container: MemoryContainer) -> ContainerItem:
    owner_id = container.metadata.get(OWNER_METADATA) or None
    participant_id = container.metadata.get(PARTICIPANT_METADATA) or None
    return ContainerItem(name, owner_id, container.last_modified_at.replace(microsecond=0), participant_id)


def _request(operation: str, target: BlobTarget) -> MemoryRequest:
    account = target.endpoint.split("//", 1)[-1].split(".", 1)[0]
    return MemoryRequest(operation, account, target.container, target.name)
