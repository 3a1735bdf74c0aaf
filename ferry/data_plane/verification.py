"""Checks a delivery: the marker's claim against what lies in the container (step 13).

The marker is what the provider says; it may be early, forged or damaged. Only a listing of our own decides. A long
listing is done in slices: the cursor of one is where the next goes on.
"""

import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, timedelta

from ferry.data_plane.accounts import AccountDirectory, KeyNeed
from ferry.data_plane.manifest import MARKER_LIMIT_BYTES, Manifest, ManifestInvalid
from ferry.data_plane.merkle import MerkleTree
from ferry.data_plane.provisioner import destination_of
from ferry.data_plane.sides import at_destination, at_step
from ferry.domain.decision import ClaimSource
from ferry.domain.faults import FaultCode
from ferry.domain.process import Intent, Json, JsonObject
from ferry.domain.transfer_process import Destination, TransferProcess
from ferry.ports.storage import Account, BlobItem, ObjectStorage
from ferry.ports.vault import Vault

_STEP = 13
_EDC_MARKER_SUFFIX = ".complete"
_SHOWN_NAMES = 5
# Creation times have whole seconds, and two machines' clocks differ. Where names are known much can be tolerated.
_TOLERANCE_BY_NAME = timedelta(minutes=5)
_TOLERANCE = timedelta(seconds=2)


@dataclass(slots=True)
class _Listing:
    """What a listing has shown so far; all but `missing` outlasts a slice."""

    after: str | None = None
    blobs: int = 0
    size_bytes: int = 0
    matched: int = 0
    foreign_marker: bool = False
    tree: MerkleTree = field(default_factory=MerkleTree)

    def count(self, item: BlobItem) -> None:
        self.blobs += 1
        self.size_bytes += item.size_bytes
        self.tree.add(item.name, item.size_bytes)
        if item.size_bytes == 0 and item.name.endswith(_EDC_MARKER_SUFFIX):
            self.foreign_marker = True

    def to_json(self) -> JsonObject:
        return {
            "after": self.after,
            "blobs": self.blobs,
            "bytes": self.size_bytes,
            "matched": self.matched,
            "foreign_marker": self.foreign_marker,
            "merkle": self.tree.to_json(),
        }

    @classmethod
    def from_json(cls, cursor: JsonObject | None) -> "_Listing":
        if cursor is None:
            return cls()
        after, merkle = cursor.get("after"), cursor.get("merkle")
        numbers = [value if isinstance(value := cursor.get(name), int) else 0 for name in ("blobs", "bytes", "matched")]
        return cls(
            after if isinstance(after, str) else None,
            *numbers,
            foreign_marker=cursor.get("foreign_marker") is True,
            tree=MerkleTree.from_json(merkle),
        )


@dataclass(frozen=True, slots=True)
class _Delivery:
    """One process's container as it is to be looked at, and how far the look has come."""

    process: TransferProcess
    destination: Destination
    account: Account
    listing: _Listing
    until: float

    def is_ours(self, item: BlobItem, tolerance: timedelta) -> bool:
        """Whether a blob may belong to this delivery: in a container that others use it must not be older."""
        if item.name == self.destination.marker:
            return False
        if self.destination.managed or item.created_at is None:
            return True
        return item.created_at >= self.process.created_at.astimezone(UTC) - tolerance


class _SliceEnded(Exception):
    """The time of this slice is up before the end of the listing."""


class DeliveryVerifier:
    """Says whether what arrived is what was sent. A slice lasts about `slice_seconds`."""

    def __init__(
        self, storage: ObjectStorage, vault: Vault, *, accounts: AccountDirectory, slice_seconds: float = 20.0
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._accounts = accounts
        self._slice_seconds = slice_seconds

    def verify(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """Check the delivery of this process. `outcome` is one of

        - `verified`, with `blobs`, `bytes`, `root`, `provider_pid`: it is all there;
        - `unmarked`, with `blobs`, `bytes`: another connector's empty marker, or its message (`intent.detail.claim`)
          and a marker of its own name; nothing to compare with;
        - `absent`: there is no marker (yet);
        - `mismatch`, with `detail`: what lies there is not what the marker says;
        - `slice`, with `cursor`: not finished; to be called again with the cursor in `process.verify_cursor`.

        Raises EffectFailed DESTINATION_GONE, DESTINATION_UNAVAILABLE (retryable).
        """
        delivery = self._delivery(process)
        try:
            with at_destination(_STEP):
                return self._judge(delivery, intent)
        except _SliceEnded:
            return {"outcome": "slice", "cursor": delivery.listing.to_json()}

    def _delivery(self, process: TransferProcess) -> _Delivery:
        destination = destination_of(process)
        need = KeyNeed(FaultCode.DESTINATION_KEY_MISSING, _STEP, retryable=True)
        with at_step(_STEP):
            account = self._accounts.resolve(
                destination.account, destination.key_name, destination.endpoint, vault=self._vault, need=need
            )
        listing = _Listing.from_json(process.verify_cursor)
        return _Delivery(process, destination, account, listing, time.monotonic() + self._slice_seconds)

    def _judge(self, delivery: _Delivery, intent: Intent) -> JsonObject:
        destination = delivery.destination
        content = self._storage.read_blob(
            delivery.account, destination.container, destination.marker, limit_bytes=MARKER_LIMIT_BYTES + 1
        )
        if content is None:
            return self._without_marker(delivery, intent)
        if not content:
            return self._unmarked(delivery, "the marker is empty and nothing was delivered")
        try:
            manifest = Manifest.parse(content)
        except ManifestInvalid as invalid:
            return _mismatch(str(invalid))
        fault = _not_of_this_transfer(manifest, delivery.process)
        if fault is not None:
            return _mismatch(fault)
        if manifest.entries is None:
            return self._compare_root(delivery, manifest)
        return self._compare_entries(delivery, dict(manifest.entries), manifest)

    def _without_marker(self, delivery: _Delivery, intent: Intent) -> JsonObject:
        if intent.detail.get("claim") != ClaimSource.MESSAGE.value:
            return {"outcome": "absent"}
        # EDC 0.12 calls its marker after the blob. Only its message, which comes last, makes such a name meaningful.
        self._list_all(delivery, self._scope(delivery.destination))
        listing = delivery.listing
        return _unmarked(listing) if listing.foreign_marker and listing.blobs > 1 else {"outcome": "absent"}

    def _unmarked(self, delivery: _Delivery, if_empty: str) -> JsonObject:
        self._list_all(delivery, self._scope(delivery.destination))
        return _unmarked(delivery.listing) if delivery.listing.blobs else _mismatch(if_empty)

    def _compare_root(self, delivery: _Delivery, manifest: Manifest) -> JsonObject:
        self._list_all(delivery, self._scope(delivery.destination))
        listing = delivery.listing
        found = (listing.blobs, listing.size_bytes)
        if found != (manifest.blobs, manifest.size_bytes):
            return _mismatch(
                f"the manifest says {manifest.blobs} blobs of {manifest.size_bytes} bytes, "
                f"{found[0]} of {found[1]} bytes are there"
            )
        if listing.tree.root() != manifest.root:
            return _mismatch("as many blobs and bytes as the manifest says are there, but not of those names and sizes")
        return _verified(manifest)

    def _compare_entries(self, delivery: _Delivery, expected: dict[str, int], manifest: Manifest) -> JsonObject:
        destination, listing = delivery.destination, delivery.listing
        outside = [name for name in expected if not name.startswith(destination.folder) or name == destination.marker]
        if outside:
            return _mismatch(f"the manifest lists names that were not asked for: {_shown(outside)}")
        began_here = listing.after is None
        missing = set(expected)
        prefix = "" if destination.managed else _common_prefix(expected)
        for item in self._items(delivery, prefix, _TOLERANCE_BY_NAME):
            size_bytes = expected.get(item.name)
            if size_bytes is None:
                if destination.managed:
                    return _mismatch(f"{_shown([item.name])} is there and is not in the manifest")
                continue
            if size_bytes != item.size_bytes:
                return _mismatch(f"{_shown([item.name])} has {item.size_bytes} bytes, not {size_bytes}")
            listing.matched += 1
            missing.discard(item.name)
        if listing.matched != len(expected):
            names = f": {_shown(sorted(missing))}" if began_here else ""
            return _mismatch(f"{len(expected) - listing.matched} of {len(expected)} blobs are missing{names}")
        return _verified(manifest)

    def _scope(self, destination: Destination) -> str:
        return "" if destination.managed else destination.folder

    def _list_all(self, delivery: _Delivery, prefix: str) -> None:
        for item in self._items(delivery, prefix, _TOLERANCE):
            delivery.listing.count(item)

    def _items(self, delivery: _Delivery, prefix: str, tolerance: timedelta) -> Iterator[BlobItem]:
        """Blobs of the delivery from where the listing stands. Raises _SliceEnded between two pages."""
        listing = delivery.listing
        while True:
            page = self._storage.list_blobs(
                delivery.account, delivery.destination.container, prefix, after=listing.after
            )
            yield from (item for item in page.items if delivery.is_ours(item, tolerance))
            if page.next_marker is None:
                return
            listing.after = page.next_marker
            if time.monotonic() >= delivery.until:
                raise _SliceEnded


def _not_of_this_transfer(manifest: Manifest, process: TransferProcess) -> str | None:
    if manifest.consumer_pid != process.id:
        return "the manifest is of another transfer"
    if process.correlation_id is not None and manifest.provider_pid != process.correlation_id:
        return "the manifest names another process of the provider"
    if manifest.agreement_id != process.agreement_id:
        return "the manifest names another contract agreement"
    return None if manifest.blobs else "the manifest lists nothing"


def _common_prefix(names: Collection[str]) -> str:
    first, last = min(names), max(names)
    differing = (index for index, (one, other) in enumerate(zip(first, last, strict=False)) if one != other)
    return first[: next(differing, min(len(first), len(last)))]


def _verified(manifest: Manifest) -> JsonObject:
    return {
        "outcome": "verified",
        "blobs": manifest.blobs,
        "bytes": manifest.size_bytes,
        "root": manifest.root,
        "provider_pid": manifest.provider_pid,
    }


def _unmarked(listing: _Listing) -> JsonObject:
    return {"outcome": "unmarked", "blobs": listing.blobs, "bytes": listing.size_bytes}


def _mismatch(detail: str) -> JsonObject:
    return {"outcome": "mismatch", "detail": detail}


def _shown(names: list[str]) -> Json:
    listed = ", ".join(ascii(name) for name in names[:_SHOWN_NAMES])
    return listed if len(names) <= _SHOWN_NAMES else f"{listed} and {len(names) - _SHOWN_NAMES} more"
