"""Containers and blobs of an account, as its owner sees them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ferry.domain.secret import Secret


@dataclass(frozen=True, slots=True)
class Account:
    """A storage account with the means to act on it: `key`, or None for the participant's own identity.

    `sas`: it is somebody else's, and this (without `?`) is all that we may do there.
    """

    name: str
    endpoint: str
    key: Secret | None = field(default=None, repr=False)
    sas: Secret | None = field(default=None, repr=False)


class ContainerState(StrEnum):
    """What became of a request to create a container."""

    CREATED = "created"
    OURS = "ours"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class BlobHeaders:
    """What a blob carries beside its bytes; a streamed copy must send it along."""

    content_type: str | None = None
    content_encoding: str | None = None
    content_language: str | None = None
    content_disposition: str | None = None
    cache_control: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class BlobItem:
    """A blob as a listing shows it. `content_md5` is base64, as stored with the blob; `blob_type` in Azure's words.

    `hidden_tags`: how many tags it has that we are not allowed to read.
    """

    name: str
    size_bytes: int
    etag: str
    created_at: datetime | None = None
    content_md5: str | None = None
    headers: BlobHeaders | None = None
    blob_type: str = "BlockBlob"
    tier: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    hidden_tags: int = 0


@dataclass(frozen=True, slots=True)
class SourceBlob:
    """One blob to copy: its name in the source, its name at the destination, and the version that is pinned."""

    item: BlobItem
    target_name: str


@dataclass(frozen=True, slots=True)
class BlobPage:
    """A page of a listing in lexicographic order; `next_marker` None on the last one."""

    items: tuple[BlobItem, ...]
    next_marker: str | None = None


@dataclass(frozen=True, slots=True)
class ContainerItem:
    """A container as a listing shows it.

    `owner_id` is the process that its metadata names (None: it is not Ferry's), `participant_id` whose process that is
    (None: an older container, which does not say so).
    """

    name: str
    owner_id: str | None
    last_modified_at: datetime
    participant_id: str | None = None


@dataclass(frozen=True, slots=True)
class ContainerPage:
    """A page of an account's containers in lexicographic order; `next_marker` None on the last one."""

    items: tuple[ContainerItem, ...]
    next_marker: str | None = None


@dataclass(frozen=True, slots=True)
class SasScope:
    """What a SAS is to allow: a container, or one blob in it; letters as Azure's (`cw`, `r`)."""

    container: str
    permissions: str
    starts_at: datetime
    expires_at: datetime
    blob_name: str | None = None
    policy_id: str | None = None


class ObjectStorage(Protocol):
    """Containers and blobs of an account that is ours (by key or by identity)."""

    def create_container(
        self, account: Account, container: str, owner_id: str, *, participant_id: str = ""
    ) -> ContainerState:
        """Create it with metadata `ferry_process=<owner_id>`. OURS where it is there with that owner already.

        `participant_id` goes along as `ferry_participant`, percent-encoded, where it is not empty.
        """
        ...

    def container_exists(self, account: Account, container: str) -> bool:
        """Whether it is there."""
        ...

    def list_containers(
        self, account: Account, prefix: str, *, after: str | None = None, limit: int = 5000
    ) -> ContainerPage:
        """One page of at most `limit` containers (and 5000) whose names begin so, anybody's."""
        ...

    def delete_container(self, account: Account, container: str, owner_id: str) -> bool:
        """Delete it if its metadata names that owner. False where it was not there or is somebody else's."""
        ...

    def add_access_policy(self, account: Account, scope: SasScope, *, exclusive: bool = False) -> bool:
        """Put the stored access policy `scope.policy_id` on the container, keeping the others.

        False where the container has its five already. The same policy again is fine. `exclusive`: the container is
        ours alone, so there are no others to keep and one request does it.
        """
        ...

    def remove_access_policy(
        self, account: Account, container: str, policy_id: str, *, exclusive: bool = False
    ) -> None:
        """Take it off, which revokes every SAS that hangs on it; a missing policy or container is fine."""
        ...

    def issue_sas(self, account: Account, scope: SasScope) -> Secret:
        """A service SAS (with key, bound to the policy where one is named) or a user delegation SAS; no leading `?`."""
        ...

    def list_blobs(self, account: Account, container: str, prefix: str, *, after: str | None = None) -> BlobPage:
        """One page of up to 5000 names. Raises EffectFailed when the container is gone."""
        ...

    def head_blob(self, account: Account, container: str, name: str) -> BlobItem | None:
        """One blob's properties; None where there is none."""
        ...

    def read_blob(self, account: Account, container: str, name: str, *, limit_bytes: int) -> bytes | None:
        """A small blob, cut at `limit_bytes`; None where there is none."""
        ...

    def read_range(self, account: Account, container: str, item: BlobItem, *, start: int, size_bytes: int) -> bytes:
        """So many bytes (at least one) from `start` on, fewer at the end, pinned to `item.etag`.

        Raises EffectFailed SOURCE_CHANGED or SOURCE_BLOB_MISSING.
        """
        ...

    def delete_blob(self, account: Account, container: str, name: str) -> None:
        """Delete one blob; a missing one is fine."""
        ...
