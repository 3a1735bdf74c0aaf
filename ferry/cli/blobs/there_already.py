"""What a destination holds already, of a copy that was begun before: its listing walks along with the source's."""

from collections.abc import Callable, Sequence
from enum import StrEnum

from ferry.ports.storage import BlobItem, BlobPage, SourceBlob

# `None`: from the beginning.
type ListPage = Callable[[str | None], BlobPage]


class Likeness(StrEnum):
    """How a blob at the destination compares with the one that is to be copied there."""

    SAME = "same"
    SAME_SIZE = "same size"
    OTHER = "other"


def likeness(source: BlobItem, there: BlobItem) -> Likeness:
    """By size and MD5; by size alone where one of them has no MD5."""
    if source.size_bytes >= 0 and source.size_bytes != there.size_bytes:
        return Likeness.OTHER
    if source.content_md5 and there.content_md5:
        return Likeness.SAME if source.content_md5 == there.content_md5 else Likeness.OTHER
    return Likeness.SAME_SIZE


class ThereAlready:
    """Finds the blobs of each page at the destination. Pages come in the order of names; one page is in memory."""

    def __init__(self, list_page: ListPage) -> None:
        self._list_page = list_page
        self._items: dict[str, BlobItem] = {}
        self._last = ""
        self._marker: str | None = None
        self._is_begun = False
        self._is_over = False

    def among(self, blobs: Sequence[SourceBlob]) -> dict[str, BlobItem]:
        """Those of the names that are there."""
        wanted = {blob.target_name for blob in blobs}
        found: dict[str, BlobItem] = {}
        while wanted:
            found.update((name, item) for name, item in self._items.items() if name in wanted)
            # What lies behind the last name may belong to the next page of the source.
            if self._is_over or self._last >= max(wanted):
                break
            self._read_on()
        return found

    def _read_on(self) -> None:
        if self._is_begun and self._marker is None:
            self._is_over = True
            return
        page = self._list_page(self._marker)
        self._is_begun, self._marker = True, page.next_marker
        self._items = {item.name: item for item in page.items}
        self._last = max(self._items, default=self._last)
