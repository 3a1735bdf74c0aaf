"""What the suite of the two sides of a copy is given: the sides, and a storage backend to seed and to look with."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from ferry.domain.secret import Secret
from ferry.ports.blob_sides import BlobSides, DestinationSide, SourceSide
from ferry.ports.storage import Account, BlobHeaders, BlobItem
from tests.contract.storage_backend import StorageBackend

HEADERS = BlobHeaders(
    content_type="text/csv",
    content_encoding="identity",
    content_language="de",
    content_disposition='attachment; filename="a.csv"',
    cache_control="no-store",
    metadata={"Owner": "x y", "empty_one": "1"},
)


@dataclass(frozen=True, slots=True)
class SidesBackend:
    """One implementation under test; `storage` sees the same accounts."""

    storage: StorageBackend
    sides: BlobSides

    def run[T](self, work: Callable[[], Awaitable[T]]) -> T:
        """Run it on a loop of its own, as an engine would, and close the connections at its end."""

        async def all_of_it() -> T:
            try:
                return await work()
            finally:
                await self.sides.close()

        return asyncio.run(all_of_it())

    def seed(self, container: str, name: str, content: bytes, headers: BlobHeaders | None = None) -> None:
        """Write a blob at the source."""
        self.storage.seed(self.storage.source, container, name, content, headers)

    def source(self, container: str, *, gives_urls: bool = True) -> SourceSide:
        """The source's container as its owner reads it."""
        return self.sides.source(self.storage.source, container, gives_urls=gives_urls)

    def destination(
        self, container: str, letters: str = "cw", *, account: Account | None = None, minutes: int = 30
    ) -> DestinationSide:
        """The destination's container by a SAS with these letters."""
        account = account or self.storage.destination
        scope = self.storage.scope(container, letters)
        now = self.storage.now()
        scope = replace(
            scope, starts_at=now - timedelta(minutes=abs(minutes) + 5), expires_at=now + timedelta(minutes=minutes)
        )
        return self.sides.destination(account.endpoint, container, self.storage.storage.issue_sas(account, scope))

    def address(self, container: str, name: str | None = None, letters: str = "rl") -> Secret:
        """An address of the source with a SAS: of the container, or of one blob."""
        scope = replace(self.storage.scope(container, letters), blob_name=name)
        sas = self.storage.storage.issue_sas(self.storage.source, scope)
        path = container if name is None else f"{container}/{name}"
        return Secret(f"{self.storage.source.endpoint}/{path}?{sas.reveal()}")

    def item(self, container: str, name: str) -> BlobItem:
        """A blob of the source as it is now."""
        return self.storage.source_item(container, name)

    def delivered_item(self, container: str, name: str) -> BlobItem:
        """A blob of the destination as it is now."""
        item = self.storage.storage.head_blob(self.storage.destination, container, name)
        assert item is not None
        return item
