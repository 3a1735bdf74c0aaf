"""What the storage suites are given: the adapters, two accounts, and a way to put blobs where they are wanted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import quote

import pytest

from ferry.domain.secret import Secret
from ferry.ports.copying import BlobTarget, BlobWriter
from ferry.ports.storage import Account, BlobHeaders, BlobItem, ObjectStorage, SasScope

PAGE_SIZE = 3


class Seed(Protocol):
    """Writes a blob as the account's owner, over whatever is there."""

    def __call__(
        self, account: Account, container: str, name: str, content: bytes, headers: BlobHeaders | None = None
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class StorageBackend:
    """One implementation under test. `accounts_have_keys`: they are used by key, so that policies can be.

    `add_container` makes one that is nobody's.
    """

    storage: ObjectStorage
    writer: BlobWriter
    source: Account
    destination: Account
    seed: Seed
    add_container: Callable[[Account, str], object]
    now: Callable[[], datetime]
    accounts_have_keys: bool

    def scope(self, container: str, permissions: str = "cw", *, policy_id: str | None = None) -> SasScope:
        """A scope that begins five minutes ago and lasts for half an hour."""
        now = self.now()
        return SasScope(
            container, permissions, now - timedelta(minutes=5), now + timedelta(minutes=30), policy_id=policy_id
        )

    def target(self, container: str, name: str, scope: SasScope | None = None) -> BlobTarget:
        """A blob at the destination, with a SAS for the container."""
        sas = self.storage.issue_sas(self.destination, scope or self.scope(container))
        return BlobTarget(self.destination.endpoint, container, name, sas)

    def source_url(self, container: str, name: str) -> Secret:
        """A URL from which the blob can be read."""
        sas = self.storage.issue_sas(self.source, replace(self.scope(container, "r"), blob_name=name))
        return Secret(f"{self.source.endpoint}/{container}/{quote(name)}?{sas.reveal()}")

    def source_item(self, container: str, name: str) -> BlobItem:
        """The blob as it is listed now."""
        item = self.storage.head_blob(self.source, container, name)
        assert item is not None
        return item

    def delivered(self, container: str) -> dict[str, bytes]:
        """What lies in a container of the destination."""
        items = self.storage.list_blobs(self.destination, container, "").items
        found = {item.name: self._content(container, item) for item in items}
        return {name: content for name, content in found.items() if content is not None}

    def _content(self, container: str, item: BlobItem) -> bytes | None:
        return self.storage.read_blob(self.destination, container, item.name, limit_bytes=item.size_bytes + 1)


def chunks_of(content: bytes, size_bytes: int = 4_000_000) -> Iterator[bytes]:
    """The content in chunks."""
    return (content[at : at + size_bytes] for at in range(0, len(content), size_bytes))


class ContainersOfOneName:
    """Base of the suites that need a container."""

    @pytest.fixture
    def container(self, backend: StorageBackend, unique_name: str) -> str:
        """One on each side, of the same name."""
        for account in (backend.source, backend.destination):
            backend.storage.create_container(account, unique_name, "process-1")
        return unique_name
