"""AzureStorageDataSource: reads the blobs of one source address, one blob or all under a prefix (step 10)."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import quote

from ferry.data_plane.sides import at_source
from ferry.domain.data_address import SourceAddress
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.secret import Secret
from ferry.ports import Account, BlobItem, BlobPage, Clock, ObjectStorage, SasScope

READ_SAS_SECONDS = 3600.0
_CLOCK_SKEW = timedelta(minutes=5)
_STEP = 10


class AzureStorageDataSource:
    """Blobs that we own. The SAS for the other side's service is for reading one blob and lives for an hour at most.

    Whoever runs that service was chosen by the peer, so it gets to see no more than the blob that it is to copy.
    """

    def __init__(self, storage: ObjectStorage, clock: Clock, *, account: Account, address: SourceAddress) -> None:
        self._storage = storage
        self._clock = clock
        self._account = account
        self._address = address

    @property
    def endpoint(self) -> str:
        """Where the source's account answers."""
        return self._account.endpoint

    def pages(self, *, after: str | None = None) -> Iterator[BlobPage]:
        """The blobs in the order of the listing; `after` is the `next_marker` of the page before.

        Raises EffectFailed SOURCE_BLOB_MISSING where there is not one, SOURCE_UNAVAILABLE (retryable).
        """
        if self._address.blob_name is not None:
            yield BlobPage((self._single(self._address.blob_name),))
            return
        is_empty = after is None
        while True:
            page = self._page(after)
            is_empty = is_empty and not page.items
            if page.next_marker is None and is_empty:
                raise self._missing(f"no blob lies under {self._address.blob_prefix!r}")
            yield page
            if page.next_marker is None:
                return
            after = page.next_marker

    def holds(self, name: str) -> bool:
        """Whether a blob of this name is one of the address's; asks the service only where it may be."""
        if self._address.blob_name is not None:
            return name == self._address.blob_name
        if not name.startswith(self._address.blob_prefix or ""):
            return False
        with at_source(_STEP):
            return self._storage.head_blob(self._account, self._address.container, name) is not None

    def signed_url(self, item: BlobItem) -> Secret:
        """A URL from which the destination's service can read the blob for a while."""
        with at_source(_STEP):
            sas = self._read_sas(item.name)
        address = f"{self._account.endpoint}/{self._address.container}/{quote(item.name, safe='~/')}"
        return Secret(f"{address}?{sas.reveal()}")

    @contextmanager
    def read(self, item: BlobItem) -> Generator[Iterator[bytes]]:
        """The blob's bytes in chunks. Raises EffectFailed SOURCE_CHANGED, SOURCE_BLOB_MISSING, SOURCE_UNAVAILABLE."""
        with at_source(_STEP):
            stream = self._storage.stream_blob(self._account, self._address.container, item)
            chunks = stream.__enter__()
        try:
            yield _at_source(chunks)
        finally:
            stream.__exit__(None, None, None)

    def _single(self, name: str) -> BlobItem:
        with at_source(_STEP):
            item = self._storage.head_blob(self._account, self._address.container, name)
        if item is None:
            raise self._missing(f"blob {name!r} does not exist")
        return item

    def _page(self, after: str | None) -> BlobPage:
        with at_source(_STEP):
            return self._storage.list_blobs(
                self._account, self._address.container, self._address.blob_prefix or "", after=after
            )

    def _read_sas(self, blob_name: str) -> Secret:
        now = self._clock.now()
        expires_at = now + timedelta(seconds=READ_SAS_SECONDS)
        scope = SasScope(self._address.container, "r", now - _CLOCK_SKEW, expires_at, blob_name=blob_name)
        return self._storage.issue_sas(self._account, scope)

    def _missing(self, what: str) -> EffectFailed:
        return EffectFailed.because(
            FaultCode.SOURCE_BLOB_MISSING,
            f"{what} in container {self._address.container} of account {self._account.name}; a retry does not help, "
            "the provider must put the data where the asset says",
            step=_STEP,
        )


def _at_source(chunks: Iterator[bytes]) -> Iterator[bytes]:
    while True:
        with at_source(_STEP):
            chunk = next(chunks, None)
        if chunk is None:
            return
        yield chunk
