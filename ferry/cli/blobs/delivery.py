"""Compares what lies in a container with the manifest of a delivery: names and sizes, and the Merkle root over both."""

from dataclasses import dataclass, field
from typing import Any

from ferry.data_plane.manifest import Manifest
from ferry.data_plane.merkle import MerkleTree

_KEPT_NAMES = 20


@dataclass(slots=True)
class Names:
    """How many there are of a kind, and the first of them."""

    count: int = 0
    first: list[str] = field(default_factory=list[str])

    def add(self, name: str) -> None:
        """One more."""
        self.count += 1
        if len(self.first) < _KEPT_NAMES:
            self.first.append(name)

    def to_json(self) -> dict[str, object]:
        """For `--output json`."""
        return {"count": self.count, "first": self.first}


@dataclass(slots=True, kw_only=True)
class Delivery:
    """What is there, compared. Without entries in the manifest only counts and root can be compared."""

    manifest: Manifest
    blobs: int = 0
    size_bytes: int = 0
    root: str = ""
    missing: Names = field(default_factory=Names)
    unexpected: Names = field(default_factory=Names)
    other_size: Names = field(default_factory=Names)

    @property
    def is_complete(self) -> bool:
        """Whether exactly that is there which the manifest says."""
        told = self.manifest
        return (self.blobs, self.size_bytes, self.root) == (told.blobs, told.size_bytes, told.root)

    @property
    def differences(self) -> list[str]:
        """What differs, in sentences."""
        found = [
            f"{names.count} {what}, such as {', '.join(map(repr, names.first[:3]))}"
            for what, names in (
                ("missing", self.missing),
                ("not in the manifest", self.unexpected),
                ("of another size", self.other_size),
            )
            if names.count
        ]
        told = self.manifest
        if (self.blobs, self.size_bytes) != (told.blobs, told.size_bytes):
            found.append(
                f"{self.blobs} blobs of {self.size_bytes} bytes are there, not {told.blobs} of {told.size_bytes}"
            )
        if self.root != told.root:
            found.append(f"the Merkle root over names and sizes is {self.root}, not {told.root}")
        return found

    def to_json(self) -> dict[str, Any]:
        """For `--output json`."""
        told = self.manifest
        return {
            "verified": self.is_complete,
            "manifest": {
                "consumerPid": told.consumer_pid,
                "providerPid": told.provider_pid,
                "agreementId": told.agreement_id,
                "blobs": told.blobs,
                "bytes": told.size_bytes,
                "root": told.root,
                "listsNames": told.entries is not None,
            },
            "found": {"blobs": self.blobs, "bytes": self.size_bytes, "root": self.root},
            "missing": self.missing.to_json(),
            "unexpected": self.unexpected.to_json(),
            "otherSize": self.other_size.to_json(),
        }


class DeliveryCheck:
    """Takes the blobs of a listing in its order, then says what differs. Memory does not grow with their number.

    `ignores_others`: blobs that the manifest does not name belong to somebody else; that needs its list of names.
    """

    def __init__(self, manifest: Manifest, *, marker: str, ignores_others: bool = False) -> None:
        self._marker = marker
        self._ignores_others = ignores_others and manifest.entries is not None
        self._expected = None if manifest.entries is None else dict(manifest.entries)
        self._tree = MerkleTree()
        self._found = Delivery(manifest=manifest)

    def add(self, name: str, size_bytes: int) -> None:
        """The next blob of the listing."""
        if name == self._marker:
            return
        found = self._found
        if self._expected is not None:
            expected = self._expected.pop(name, None)
            if expected is None and self._ignores_others:
                return
            if expected is None:
                found.unexpected.add(name)
            elif expected != size_bytes:
                found.other_size.add(f"{name}: {size_bytes} bytes, not {expected}")
        found.blobs += 1
        found.size_bytes += size_bytes
        self._tree.add(name, size_bytes)

    def result(self) -> Delivery:
        """What has been found, when all blobs are there."""
        for name in self._expected or ():
            self._found.missing.add(name)
        self._found.root = self._tree.root()
        return self._found
