"""The manifest that the completion marker holds: what was delivered, so that the consumer can check it (step 12).

JSON, at most 1 MiB. Names and sizes are listed in it while they fit; beyond that the Merkle root speaks for them.
What is read was written by somebody else: `Manifest.parse` takes nothing for granted.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self, cast

from ferry.data_plane.merkle import MerkleTree
from ferry.domain.process import Json, JsonObject

MARKER_LIMIT_BYTES = 1024 * 1024
ENTRIES_LIMIT_BYTES = 900 * 1024
CHECKPOINT_ENTRIES_BYTES = 128 * 1024
CONTENT_TYPE = "application/json"
_VERSION = 1
_ROOT = re.compile(r"[0-9a-f]{64}")
_MAX_SIZE_BYTES = 2**63
_ENTRY_OVERHEAD_BYTES = 4

type Entry = tuple[str, int]


class ManifestInvalid(ValueError):
    """The marker's content is no manifest; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a provider says it has delivered. `entries` (name, size in bytes) is None where they were too many.

    `lists` are the SHA-256 of the lists that the provider has copied from, where there were several and not too many;
    `not_kept` counts what of the blobs could not be kept (tags, tier, …). Neither is checked; both are for people.
    """

    consumer_pid: str
    provider_pid: str
    agreement_id: str
    blobs: int
    size_bytes: int
    root: str
    entries: tuple[Entry, ...] | None = None
    lists: tuple[str, ...] = ()
    not_kept: Mapping[str, int] = field(default_factory=dict[str, int])

    def encode(self) -> bytes:
        """The marker's content."""
        document: dict[str, Json] = {
            "version": _VERSION,
            "consumerPid": self.consumer_pid,
            "providerPid": self.provider_pid,
            "agreementId": self.agreement_id,
            "blobs": self.blobs,
            "bytes": self.size_bytes,
            "root": self.root,
        }
        if self.entries is not None:
            document["entries"] = [list(entry) for entry in self.entries]
        if self.lists:
            document["lists"] = list(self.lists)
        if self.not_kept:
            document["notKept"] = dict(self.not_kept)
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()

    def with_remarks(self, *, lists: tuple[str, ...], not_kept: Mapping[str, int]) -> Self:
        """The same manifest that says which lists were copied from, and what was not kept."""
        return replace(self, lists=lists, not_kept=not_kept)

    @classmethod
    def parse(cls, content: bytes) -> Self:
        """A manifest from a marker's content. Raises ManifestInvalid; unknown properties are ignored."""
        if len(content) > MARKER_LIMIT_BYTES:
            raise ManifestInvalid(f"the marker is longer than {MARKER_LIMIT_BYTES} bytes")
        try:
            document: Json = json.loads(content)
        except (ValueError, RecursionError):
            raise ManifestInvalid("the marker is not JSON") from None
        if not isinstance(document, Mapping):
            raise ManifestInvalid("the marker is not a JSON object")
        return cls._of(document)

    @classmethod
    def _of(cls, document: JsonObject) -> Self:
        if document.get("version") != _VERSION:
            raise ManifestInvalid(f"the manifest's version is not {_VERSION}")
        root = _text(document, "root")
        if not _ROOT.fullmatch(root):
            raise ManifestInvalid("root is not a SHA-256 in hexadecimal")
        manifest = cls(
            consumer_pid=_text(document, "consumerPid"),
            provider_pid=_text(document, "providerPid"),
            agreement_id=_text(document, "agreementId"),
            blobs=_count(document.get("blobs"), "blobs"),
            size_bytes=_count(document.get("bytes"), "bytes"),
            root=root,
            entries=_entries(document.get("entries")),
        )
        manifest._check_entries()
        return manifest

    def _check_entries(self) -> None:
        """The entries must add up to what the rest of the manifest says."""
        if self.entries is None:
            return
        tree = MerkleTree()
        try:
            for name, size_bytes in self.entries:
                tree.add(name, size_bytes)
        except ValueError:
            raise ManifestInvalid("an entry names what no blob can be called") from None
        if len({name for name, _ in self.entries}) != len(self.entries):
            raise ManifestInvalid("a name is listed twice")
        found = (len(self.entries), sum(size for _, size in self.entries), tree.root())
        if found != (self.blobs, self.size_bytes, self.root):
            raise ManifestInvalid("entries do not add up to blobs, bytes and root")


class DeliveryTally:
    """What has been delivered so far, in the order of the listing: counts, root, and entries while they fit."""

    def __init__(self) -> None:
        self.blobs = 0
        self.size_bytes = 0
        self._tree = MerkleTree()
        self._entries: list[Entry] | None = []
        self._entries_bytes = 0

    def add(self, name: str, size_bytes: int) -> None:
        """Count one more blob, by its name at the destination."""
        self.blobs += 1
        self.size_bytes += size_bytes
        self._tree.add(name, size_bytes)
        if self._entries is not None:
            self._entries.append((name, size_bytes))
            encoded = json.dumps(name, ensure_ascii=False).encode()
            self._entries_bytes += len(encoded) + len(str(size_bytes)) + _ENTRY_OVERHEAD_BYTES
            if self._entries_bytes > ENTRIES_LIMIT_BYTES:
                self._entries = None

    @property
    def root(self) -> str:
        """The Merkle root so far."""
        return self._tree.root()

    def manifest(self, *, consumer_pid: str, provider_pid: str, agreement_id: str) -> Manifest:
        """The manifest of this delivery."""
        return Manifest(
            consumer_pid=consumer_pid,
            provider_pid=provider_pid,
            agreement_id=agreement_id,
            blobs=self.blobs,
            size_bytes=self.size_bytes,
            root=self.root,
            entries=tuple(self._entries) if self._entries is not None else None,
        )

    def to_json(self, *, with_entries: bool = True) -> dict[str, Json]:
        """What is needed to go on later. Entries are left out where they would make the document large."""
        saved: dict[str, Json] = {"blobs": self.blobs, "bytes": self.size_bytes, "merkle": self._tree.to_json()}
        if with_entries and self._entries is not None and self._entries_bytes <= CHECKPOINT_ENTRIES_BYTES:
            saved["entries"] = [list(entry) for entry in self._entries]
        return saved

    @classmethod
    def from_json(cls, saved: JsonObject) -> Self:
        """The tally that was saved. Raises ValueError where it is none."""
        tally = cls()
        entries = _entries(saved.get("entries"))
        if entries is not None:
            for entry in entries:
                tally.add(*entry)
            return tally
        tally.blobs = _count(saved.get("blobs", 0), "blobs")
        tally.size_bytes = _count(saved.get("bytes", 0), "bytes")
        tally._tree = MerkleTree.from_json(saved.get("merkle"))
        tally._entries = None if tally.blobs else []
        return tally


def _text(document: JsonObject, name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str):
        raise ManifestInvalid(f"{name} is not a string")
    return value


def _count(value: Json, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _MAX_SIZE_BYTES:
        raise ManifestInvalid(f"{name} is not a count")
    return value


def _entries(value: Json) -> tuple[Entry, ...] | None:
    if value is None:
        return None
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ManifestInvalid("entries is not a list")
    return tuple(_entry(entry) for entry in value)


def _entry(value: Json) -> Entry:
    pair = cast("Sequence[Json]", value) if isinstance(value, Sequence) and not isinstance(value, str) else ()
    if len(pair) != 2 or not isinstance(pair[0], str) or not pair[0]:
        raise ManifestInvalid("an entry is not a name and a size")
    return pair[0], _count(pair[1], "the size of an entry")
