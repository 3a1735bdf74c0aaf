"""The two sides of a copy without a socket: the twin of the wire, over one MemoryCloud."""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote, unquote, urlsplit

from ferry.adapters.memory_cloud import MemoryBlob, MemoryCloud, MemoryContainer, MemoryRequest, SasRefused, item_of
from ferry.adapters.memory_destination import MemoryDestination
from ferry.adapters.memory_sas import sign
from ferry.domain.secret import Secret
from ferry.ports.blob_sides import UNKNOWN_SIZE, SourceSide, WireAnswer, WireLost, WireRefused
from ferry.ports.storage import Account, BlobItem, BlobPage, SasScope
from ferry.ports.storage_failure import StorageFailed, StorageProblem

_CHUNK_BYTES = 64 * 1024
_URL_TIME = timedelta(hours=1)
_MAX_URL = 2048
_ANSWERS = {
    StorageProblem.CONTAINER_MISSING: WireAnswer(404, "ContainerNotFound"),
    StorageProblem.BLOB_MISSING: WireAnswer(404, "BlobNotFound"),
    StorageProblem.BLOB_CHANGED: WireAnswer(412, "ConditionNotMet"),
    StorageProblem.REFUSED: WireAnswer(403, "AuthenticationFailed"),
}


@dataclass(frozen=True, slots=True)
class Mishap:
    """What becomes of a request: `answer` comes back instead of its own (None: none comes), `is_carried_out` or not."""

    answer: WireAnswer | None = None
    is_carried_out: bool = False


@dataclass(frozen=True, slots=True)
class MemoryFile:
    """A file that some web server gives. Without an ETag it cannot be pinned."""

    content: bytes
    etag: str = ""
    reads_ranges: bool = False
    tells_size: bool = True


class MemorySides:
    """Opens sides. `mishap` plans the fault of a request; each takes `delay_seconds`; `files` are known by address."""

    def __init__(self, cloud: MemoryCloud) -> None:
        self.cloud = cloud
        self.mishap: Callable[[MemoryRequest], Mishap | None] = lambda _: None
        self.delay_seconds = 0.0
        self.files: dict[str, MemoryFile] = {}
        self.under_way = 0
        self.peak_under_way = 0

    def source(self, account: Account, container: str, *, gives_urls: bool) -> "MemorySource":
        """A container of ours."""
        return MemorySource(self, account, container, gives_urls=gives_urls)

    def source_at(self, address: Secret) -> SourceSide:
        """A container or blob with its SAS in the query, or a file."""
        url, _, query = address.reveal().partition("?")
        endpoint = next((known for known in self.cloud.accounts if url.startswith(known + "/")), None)
        if endpoint is None:
            return MemoryFileSource(self, url)
        container, _, name = unquote(url.removeprefix(endpoint + "/")).partition("/")
        account = Account(self.cloud.accounts[endpoint].name, endpoint, sas=Secret(query))
        return MemorySource(self, account, container, gives_urls=True, only=name or None)

    def destination(self, endpoint: str, container: str, sas: Secret) -> MemoryDestination:
        """A container for which a SAS is held."""
        return MemoryDestination(self.cloud, container, sas, endpoint=endpoint, send=self.send)

    async def close(self) -> None:
        """Nothing is open."""

    async def send[E, T](
        self, request: MemoryRequest, enter: Callable[[], E], carry_out: Callable[[E], T]
    ) -> T | WireAnswer:
        """One request: `enter` notes it, then it is carried out or not, as planned. Raises WireLost, WireRefused."""
        self.under_way += 1
        self.peak_under_way = max(self.peak_under_way, self.under_way)
        try:
            await asyncio.sleep(self.delay_seconds)
            with _as_wire():
                entered = enter()
                mishap = self.mishap(request)
                if mishap is None:
                    return carry_out(entered)
                if mishap.is_carried_out:
                    carry_out(entered)
        finally:
            self.under_way -= 1
        if mishap.answer is None:
            raise WireLost("the connection broke", was_sent=True)
        return mishap.answer


class MemorySource:
    """A container of an account in the cloud. `only`: the one blob in it that may be read."""

    reads_ranges = True

    def __init__(
        self, sides: MemorySides, account: Account, container: str, *, gives_urls: bool, only: str | None = None
    ) -> None:
        self._sides = sides
        self._account = account
        self._container = container
        self._gives_urls = gives_urls
        self._only = only

    @property
    def endpoint(self) -> str:
        """The account's."""
        return self._account.endpoint

    async def prepare(self) -> None:
        """Nothing is needed."""

    async def list_page(self, prefix: str, *, after: str | None, limit: int = 5000) -> BlobPage:
        """One page of names in order; the marker is the last name of the page before."""
        if self._only is not None:
            item = await self.head(self._only) if self._only.startswith(prefix) and after is None else None
            return BlobPage((item,) if item is not None else ())
        return await self._ask("List Blobs", "", lambda found: self._page(found, prefix, after, limit))

    async def head(self, name: str) -> BlobItem | None:
        """One blob as it is now."""
        if self._only not in (None, name):
            return None
        found = await self._ask("Get Blob Properties", name, lambda found: (found.blobs.get(name),))
        return item_of(name, found[0]) if found[0] is not None else None

    def url(self, item: BlobItem) -> Secret | None:
        """The blob's address with a SAS for reading it alone."""
        if not self._gives_urls:
            return None
        address = f"{self.endpoint}/{self._container}/{quote(item.name, safe='~/')}"
        url = f"{address}?{self._sas(item.name).reveal()}"
        return Secret(url) if len(url) <= _MAX_URL else None

    async def read(self, item: BlobItem, start: int, size_bytes: int) -> bytes:
        """A part of the version that is pinned."""
        return (await self._ask("Get Blob", item.name, lambda found: (_pinned(found, item),)))[0].content[
            start : start + size_bytes
        ]

    @asynccontextmanager
    async def stream(self, item: BlobItem) -> AsyncGenerator[AsyncIterator[bytes]]:
        """The whole version that is pinned."""
        blob = (await self._ask("Get Blob", item.name, lambda found: (_pinned(found, item),)))[0]
        yield _chunks(blob.content)

    async def _ask[T](self, operation: str, name: str, answer: Callable[[MemoryContainer], T]) -> T:
        cloud, account = self._sides.cloud, self._account

        result = await self._sides.send(
            MemoryRequest(operation, account.name, self._container, name),
            lambda: cloud.container_as_owner(account, operation, self._container, name),
            answer,
        )
        if isinstance(result, WireAnswer):
            raise WireRefused(result)
        return result

    def _page(self, found: MemoryContainer, prefix: str, after: str | None, limit: int) -> BlobPage:
        names = sorted(name for name in found.blobs if name.startswith(prefix))
        start = bisect_right(names, after) if after is not None else 0
        page = names[start : start + min(limit, self._sides.cloud.page_size)]
        is_last = start + len(page) >= len(names)
        return BlobPage(tuple(item_of(name, found.blobs[name]) for name in page), None if is_last else page[-1])

    def _sas(self, name: str) -> Secret:
        cloud, account = self._sides.cloud, self._account
        if account.sas is not None:
            return account.sas
        known = cloud.accounts.get(account.endpoint)
        key = account.key or (known.delegation_key if known is not None else None)
        if key is None:
            raise StorageFailed(StorageProblem.REFUSED, f"account {account.name} refuses this participant's identity")
        now = cloud.clock.now()
        scope = SasScope(self._container, "r", now - _URL_TIME, now + _URL_TIME, blob_name=name)
        return sign(account.name, scope, key, https_only=urlsplit(account.endpoint).scheme == "https")


class MemoryFileSource:
    """One file of a web server."""

    def __init__(self, sides: MemorySides, url: str) -> None:
        self._sides = sides
        self._url = url
        self._name = unquote(urlsplit(url).path.rsplit("/", 1)[-1])

    @property
    def endpoint(self) -> str:
        """The address' origin."""
        parts = urlsplit(self._url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def reads_ranges(self) -> bool:
        """As the file has it."""
        found = self._sides.files.get(self._url)
        return found is not None and found.reads_ranges

    async def prepare(self) -> None:
        """Nothing is needed."""

    async def list_page(self, prefix: str, *, after: str | None, limit: int = 5000) -> BlobPage:
        """The file, as the only one."""
        item = await self.head(self._name)
        return BlobPage((item,) if item is not None and after is None and item.name.startswith(prefix) else ())

    async def head(self, name: str) -> BlobItem | None:
        """The file as it is now."""
        found = (await self._ask("HEAD", lambda found: (found,)))[0]
        if found is None:
            return None
        return BlobItem(self._name, len(found.content) if found.tells_size else UNKNOWN_SIZE, found.etag)

    def url(self, item: BlobItem) -> Secret | None:
        """None: no service of the cloud can reach it."""
        return None

    async def read(self, item: BlobItem, start: int, size_bytes: int) -> bytes:
        """A part of it, where it gives parts."""
        found = await self._pinned(item)
        if not found.reads_ranges:
            raise WireRefused(WireAnswer(200, "RangeIgnored"))
        return found.content[start : start + size_bytes]

    @asynccontextmanager
    async def stream(self, item: BlobItem) -> AsyncGenerator[AsyncIterator[bytes]]:
        """The whole of it."""
        yield _chunks((await self._pinned(item)).content)

    async def _pinned(self, item: BlobItem) -> MemoryFile:
        found = (await self._ask("GET", lambda found: (found,)))[0]
        if found is None:
            raise WireRefused(WireAnswer(404))
        if item.etag and found.etag != item.etag:
            raise WireRefused(WireAnswer(412))
        return found

    async def _ask[T](self, operation: str, answer: Callable[[MemoryFile | None], T]) -> T:
        request = MemoryRequest(operation, urlsplit(self._url).netloc, "", self._name)
        cloud, files = self._sides.cloud, self._sides.files
        result = await self._sides.send(request, lambda: cloud.enter(request), lambda _: answer(files.get(self._url)))
        if isinstance(result, WireAnswer):
            raise WireRefused(result)
        return result


def _pinned(found: MemoryContainer, item: BlobItem) -> MemoryBlob:
    blob = found.blobs.get(item.name)
    if blob is None:
        raise WireRefused(_ANSWERS[StorageProblem.BLOB_MISSING])
    if blob.etag != item.etag:
        raise WireRefused(_ANSWERS[StorageProblem.BLOB_CHANGED])
    return blob


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), _CHUNK_BYTES):
        await asyncio.sleep(0)
        yield content[at : at + _CHUNK_BYTES]


@contextmanager
def _as_wire() -> Generator[None]:
    """What the cloud says of itself as a service would say it."""
    try:
        yield
    except SasRefused as refused:
        raise WireRefused(WireAnswer(403, refused.code)) from None
    except StorageFailed as failed:
        answer = _ANSWERS.get(failed.problem)
        if answer is None:
            raise WireLost(failed.fault.message, was_sent=False) from None
        raise WireRefused(answer) from None
