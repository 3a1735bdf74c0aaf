"""The accounts, containers and blobs behind the in-memory storage: one cloud for all participants of a test."""

import base64
import hashlib
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote, urlsplit

from ferry.adapters.memory_sas import MemoryPolicy, SasUse, refusal
from ferry.domain.secret import Secret
from ferry.ports.clock import Clock
from ferry.ports.storage import Account, BlobHeaders, BlobItem
from ferry.ports.storage_failure import StorageFailed, StorageProblem

SERVER_SIDE = frozenset(
    {
        "Put Blob From URL",
        "Copy Blob From URL",
        "Put Block From URL",
        "Append Block From URL",
        "Put Page From URL",
    }
)


@dataclass(frozen=True, slots=True)
class MemoryRequest:
    """A request that a service would have seen; operations are named as in Microsoft's REST reference."""

    operation: str
    account: str
    container: str = ""
    blob_name: str = ""


@dataclass(frozen=True, slots=True)
class MemoryBlob:
    """A blob's bytes and what is told of it."""

    content: bytes
    etag: str
    created_at: datetime
    headers: BlobHeaders
    content_md5: str
    blob_type: str = "BlockBlob"
    tier: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(slots=True)
class MemoryContainer:
    """A container: metadata, stored access policies, blobs by name, and the blocks of each name that await a commit."""

    last_modified_at: datetime
    metadata: dict[str, str] = field(default_factory=dict[str, str])
    policies: dict[str, MemoryPolicy] = field(default_factory=dict[str, MemoryPolicy])
    blobs: dict[str, MemoryBlob] = field(default_factory=dict[str, MemoryBlob])
    staged: dict[str, dict[str, bytes]] = field(default_factory=dict[str, dict[str, bytes]])


@dataclass(slots=True)
class MemoryAccount:
    """An account. `delegation_key` signs what an identity issues; None where no identity has a role here."""

    name: str
    endpoint: str
    key: Secret
    delegation_key: Secret | None
    containers: dict[str, MemoryContainer] = field(default_factory=dict[str, MemoryContainer])


class SasRefused(Exception):
    """A SAS does not allow what it was used for; `code` is Azure's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class MemoryCloud:
    """Every account there is. Safe for threads; `requests` keeps what was asked, in order.

    `before_request` is called ahead of each request and may raise, which is how a fault is planned. `server_side`
    holds the server-side copies that the service can do, `page_size` the names in a page of a listing.
    """

    def __init__(self, clock: Clock, *, page_size: int = 5000) -> None:
        self.clock = clock
        self.page_size = page_size
        self.server_side: frozenset[str] = SERVER_SIDE
        self.before_request: Callable[[MemoryRequest], None] | None = None
        self.requests: list[MemoryRequest] = []
        self.lock = threading.RLock()
        self.accounts: dict[str, MemoryAccount] = {}
        self._etags = 0

    def add_account(
        self, name: str, *, endpoint: str | None = None, key: Secret | None = None, identity: bool = True
    ) -> Account:
        """Open an account; the answer holds its key. `identity`: whether managed identities have a role on it."""
        account = MemoryAccount(
            name=name,
            endpoint=endpoint or f"https://{name}.blob.core.windows.net",
            key=key or Secret(base64.b64encode(secrets.token_bytes(64)).decode()),
            delegation_key=Secret(secrets.token_hex(32)) if identity else None,
        )
        self.accounts[account.endpoint] = account
        return Account(name, account.endpoint, account.key)

    def add_container(self, account: Account, container: str) -> None:
        """Create a container that nobody in particular owns."""
        self.accounts[account.endpoint].containers.setdefault(container, MemoryContainer(self.clock.now()))

    def add_blob(
        self, account: Account, container: str, name: str, content: bytes, headers: BlobHeaders | None = None
    ) -> None:
        """Write a blob, over whatever is there."""
        with self.lock:
            self.accounts[account.endpoint].containers[container].blobs[name] = self.new_blob(content, headers)

    def containers(self) -> Mapping[tuple[str, str], MemoryContainer]:
        """Every container by account and name."""
        with self.lock:
            return {
                (account.name, name): container
                for account in self.accounts.values()
                for name, container in account.containers.items()
            }

    def new_blob(self, content: bytes, headers: BlobHeaders | None = None) -> MemoryBlob:
        """A blob with an ETag of its own, created now."""
        self._etags += 1
        digest = hashlib.md5(content, usedforsecurity=False).digest()
        return MemoryBlob(
            content=content,
            etag=f'"0x{self._etags:016X}"',
            created_at=self.clock.now().replace(microsecond=0),
            headers=headers or BlobHeaders(content_type="application/octet-stream"),
            content_md5=base64.b64encode(digest).decode(),
        )

    def enter(self, request: MemoryRequest) -> None:
        """Note a request; the planned fault is raised here."""
        with self.lock:
            self.requests.append(request)
        if self.before_request is not None:
            self.before_request(request)

    def open_as_owner(self, account: Account, operation: str, container: str = "", name: str = "") -> MemoryAccount:
        """The account as its owner sees it. Raises StorageFailed where it is unknown or refuses."""
        self.enter(MemoryRequest(operation, account.name, container, name))
        known = self._account(account.endpoint)
        if account.sas is not None:
            self._check_sas(account, account.sas, operation, container=container, name=name)
            return known
        if account.key is None and known.delegation_key is None:
            raise StorageFailed(
                StorageProblem.REFUSED,
                f"account {account.name} refuses this participant's identity; give it a role on the account",
            )
        if account.key is not None and account.key != known.key:
            raise StorageFailed(
                StorageProblem.REFUSED, f"account {account.name} refuses the key; store its own key", with_key=True
            )
        return known

    def _check_sas(self, account: Account, sas: Secret, operation: str, *, container: str, name: str) -> None:
        letters = "l" if operation == "List Blobs" else "r"
        try:
            self.container_by_sas(account.endpoint, container, name, sas=sas, letters=letters)
        except SasRefused as refused:
            message = f"account {account.name} refuses the SAS ({refused}); a retry does not help"
            raise StorageFailed(StorageProblem.REFUSED, message) from None

    def container_as_owner(self, account: Account, operation: str, container: str, name: str = "") -> MemoryContainer:
        """A container as its owner sees it. Raises StorageFailed, also where there is none."""
        found = self.open_as_owner(account, operation, container, name).containers.get(container)
        if found is None:
            raise StorageFailed(
                StorageProblem.CONTAINER_MISSING,
                f"container {container} does not exist in account {account.name}; a retry does not help",
            )
        return found

    def container_by_sas(
        self, endpoint: str, container: str, name: str, *, sas: Secret, letters: str
    ) -> MemoryContainer | None:
        """A container for which a SAS is held; None where it is gone. Raises SasRefused."""
        account = self._account(endpoint)
        found = account.containers.get(container)
        use = SasUse(account.name, container, name, letters, urlsplit(endpoint).scheme, self.clock.now())
        keys = tuple(key for key in (account.key, account.delegation_key) if key is not None)
        code = refusal(sas, use, keys, found.policies if found is not None else {})
        if code is not None and (found is not None or "si=" not in sas.reveal()):
            raise SasRefused(code)
        return found

    def blob_by_url(self, url: Secret) -> MemoryBlob | None:
        """The blob behind a signed URL, read by another service; None where it is gone. Raises SasRefused."""
        address, _, query = url.reveal().partition("?")
        endpoint = next((known for known in self.accounts if address.startswith(known + "/")), None)
        if endpoint is None:
            return None
        container, _, name = unquote(address.removeprefix(endpoint + "/")).partition("/")
        found = self.container_by_sas(endpoint, container, name, sas=Secret(query), letters="r")
        return found.blobs.get(name) if found is not None else None

    def _account(self, endpoint: str) -> MemoryAccount:
        known = self.accounts.get(endpoint)
        if known is None:
            raise StorageFailed(
                StorageProblem.UNAVAILABLE, f"nothing answers at {endpoint}; check the account's name, it is retried"
            )
        return known


def item_of(name: str, blob: MemoryBlob) -> BlobItem:
    """A blob as a listing shows it."""
    return BlobItem(
        name,
        len(blob.content),
        blob.etag,
        blob.created_at,
        blob.content_md5,
        blob.headers,
        blob_type=blob.blob_type,
        tier=blob.tier,
        tags=blob.tags,
    )
