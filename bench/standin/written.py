"""What clients wrote: blobs and staged blocks as stretches of content, and how often each of them was written."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import NamedTuple, TypedDict

from bench.standin.content import Extent, joined
from bench.standin.source import Source


class Foreign(NamedTuple):
    """Bytes that are none of the source's; small ones are kept, to be given back."""

    content: bytes
    size_bytes: int


type Part = Extent | Foreign


@dataclass(slots=True)
class Blob:
    """A committed blob; `headers`: what a client gave it to keep, as answer headers. There may be a million of them."""

    parts: tuple[Part, ...]
    number: int
    headers: Mapping[str, str]
    writes: int = 1

    @property
    def etag(self) -> str:
        """Another one for every write."""
        return f'"0x8DD{self.number:012X}"'

    @property
    def size_bytes(self) -> int:
        """Its length."""
        return sum(part.size_bytes for part in self.parts)


class Verdict(TypedDict):
    """What came of a copy. `torn`: made of two versions of its source; `older`: whole, of a version that is gone.

    `staged_again`: blocks that were staged when the container was marked, and once more since then.
    """

    blobs: int
    equal: int
    older: int
    torn: int
    wrong: int
    missing: int
    extra: int
    written_twice: int
    blocks_staged: int
    blocks_staged_twice: int
    block_stagings: int
    staged_again: int
    uncommitted: int
    examples: list[str]


@dataclass(slots=True)
class Container:
    """One container of the destination."""

    blobs: dict[str, Blob] = field(default_factory=dict[str, Blob])
    staged: dict[str, dict[str, Part]] = field(default_factory=dict[str, dict[str, Part]])
    stagings: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    staged_bytes: int = 0
    _marked: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def put(self, name: str, parts: tuple[Part, ...], headers: Mapping[str, str]) -> Blob:
        """Make a blob, or make it anew."""
        before = self.blobs.get(name)
        blob = Blob(parts, next(self._numbers), headers, 1 + (before.writes if before else 0))
        self.blobs[name] = blob
        if self.staged:
            self.staged.pop(name, None)
        return blob

    def stage(self, name: str, block_id: str, part: Part) -> None:
        """Put a block beside its blob."""
        self.staged.setdefault(name, {})[block_id] = part
        self.stagings[name, block_id] += 1
        self.staged_bytes += part.size_bytes

    def writes(self) -> dict[str, dict[str, int]]:
        """How often each blob was made (under an empty id), and each of its blocks staged (by block id)."""
        found = {name: {"": blob.writes} for name, blob in self.blobs.items()}
        for (name, block_id), times in self.stagings.items():
            found.setdefault(name, {})[block_id] = times
        return found

    def mark(self) -> int:
        """Remember which blocks are staged by now; how many."""
        self._marked = dict(self.stagings)
        return len(self._marked)

    def verdict(self, source: Source) -> Verdict:
        """Hold everything against the source as it is now."""
        kinds: Counter[str] = Counter()
        examples: list[str] = []
        for number in range(source.count):
            name = source.name(number)
            kind = self._kind(name, number, source)
            kinds[kind] += 1
            if kind != "equal" and len(examples) < 5:
                examples.append(f"{name} is {kind}")
        return Verdict(
            blobs=source.count,
            equal=kinds["equal"],
            older=kinds["older"],
            torn=kinds["torn"],
            wrong=kinds["wrong"],
            missing=kinds["missing"],
            extra=len(self.blobs) - source.count + kinds["missing"],
            written_twice=sum(blob.writes > 1 for blob in self.blobs.values()),
            blocks_staged=len(self.stagings),
            blocks_staged_twice=sum(times > 1 for times in self.stagings.values()),
            block_stagings=sum(self.stagings.values()),
            staged_again=sum(self.stagings[key] > times for key, times in self._marked.items()),
            uncommitted=sum(map(len, self.staged.values())),
            examples=examples,
        )

    def _kind(self, name: str, number: int, source: Source) -> str:
        blob = self.blobs.get(name)
        if blob is None:
            return "missing"
        extents = tuple(part for part in blob.parts if isinstance(part, Extent))
        whole = joined(extents) if len(extents) == len(blob.parts) else None
        version = None if whole is None else source.version_of(number, whole)
        if version is not None:
            return "equal" if version == source.blob(number).version else "older"
        return "torn" if blob.size_bytes == source.blob(number).extent.size_bytes else "wrong"
