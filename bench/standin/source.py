"""The source container: any number of blobs, none of them kept; names, ETags and sizes by arithmetic.

Names are numbers of a fixed width, so their order is that of the numbers. A blob may change while it is read.
"""

import time
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import lru_cache
from typing import NamedTuple

from bench.standin.content import Extent, is_same, md5_of, position_of

_DIGITS = 9
_PREFIX, _SUFFIX = "blob-", ".bin"
_MADE_AT = 1_790_000_000
ACCOUNT = "source"


class SourceBlob(NamedTuple):
    """One blob as it is now; `etag` with its quotes."""

    number: int
    name: str
    version: int
    extent: Extent

    @property
    def etag(self) -> str:
        """Another one for every version."""
        return f'"0x8D{self.number:09X}{self.version:04X}"'

    @property
    def modified(self) -> str:
        """As HTTP writes times."""
        return formatdate(_MADE_AT + self.version, usegmt=True)


@dataclass(slots=True)
class Source:
    """`count` blobs, whose sizes take turns. `changes_after`: after so many reads at most it is another blob."""

    count: int
    sizes_bytes: tuple[int, ...]
    changes_after: int = 0
    has_md5: bool = False
    reads: dict[int, int] = field(default_factory=dict[int, int])
    versions: dict[int, int] = field(default_factory=dict[int, int])

    def name(self, number: int) -> str:
        """The name of a blob."""
        return f"{_PREFIX}{number:0{_DIGITS}d}{_SUFFIX}"

    def number(self, name: str) -> int | None:
        """Which blob has that name; None where none has."""
        digits = name[len(_PREFIX) : -len(_SUFFIX)]
        if len(digits) != _DIGITS or not (digits.isascii() and digits.isdigit()):
            return None
        number = int(digits)
        return number if number < self.count and self.name(number) == name else None

    def size_bytes(self, number: int) -> int:
        """The size of a blob, whatever its version."""
        return self.sizes_bytes[number % len(self.sizes_bytes)]

    def blob(self, number: int) -> SourceBlob:
        """A blob as it is now."""
        version = self.versions.get(number, 0)
        return SourceBlob(number, self.name(number), version, self._extent(number, version))

    def find(self, name: str) -> SourceBlob | None:
        """The blob of that name as it is now."""
        number = self.number(name)
        return None if number is None else self.blob(number)

    def read(self, blob: SourceBlob) -> None:
        """Somebody reads it: this may be the moment at which it changes."""
        if not self.changes_after:
            return
        reads = self.reads[blob.number] = self.reads.get(blob.number, 0) + 1
        # Not all at the same moment of their copies.
        if reads == 1 + blob.number % self.changes_after:
            self.change(blob.number)

    def change(self, number: int) -> None:
        """Overwrite a blob with another content of the same size."""
        self.versions[number] = self.versions.get(number, 0) + 1

    def md5(self, blob: SourceBlob) -> str | None:
        """The MD5 that is stored with a blob, in base64."""
        return md5_of(blob.extent) if self.has_md5 else None

    def version_of(self, number: int, extent: Extent) -> int | None:
        """Which version of a blob a content is; None where it is none."""
        versions = range(self.versions.get(number, 0) + 1)
        return next((it for it in versions if is_same(self._extent(number, it), extent)), None)

    def first_at(self, name: str, *, after: bool = False) -> int:
        """The number of the first blob whose name is not before `name` (`after`: that comes after it)."""
        low, high = 0, self.count
        while low < high:
            middle = (low + high) // 2
            candidate = self.name(middle)
            if candidate < name or (after and candidate == name):
                low = middle + 1
            else:
                high = middle
        return low

    def _extent(self, number: int, version: int) -> Extent:
        return Extent(position_of(number, version), self.size_bytes(number))


def now() -> str:
    """The time as HTTP writes it."""
    return _written(int(time.time()))


@lru_cache(maxsize=2)
def _written(seconds: int) -> str:
    return formatdate(seconds, usegmt=True)
