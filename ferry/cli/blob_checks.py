"""What the demo does with blobs through the SDK: put the source, read the delivery back, look for what is left."""

# The SDK leaves keyword arguments without types.
# pyright: reportUnknownMemberType=false

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from typing import IO, cast

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient

from ferry.cli.source_files import SourceFile

_THREADS = 8
_CHUNK_CONCURRENCY = 2

type Counted = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of the source's blobs at the destination, by name."""

    verified: int
    size_bytes: int
    missing: Sequence[str] = field(default_factory=tuple)
    unexpected: Sequence[str] = field(default_factory=tuple)
    different: Sequence[str] = field(default_factory=tuple)

    @property
    def faults(self) -> list[str]:
        """What is not as it should be."""
        kinds = (("missing", self.missing), ("unexpected", self.unexpected), ("different", self.different))
        return [f"{len(names)} {kind}, among them {names[0]!r}" for kind, names in kinds if names]


def upload(
    service: BlobServiceClient, container: str, files: Sequence[SourceFile], *, counted: Counted
) -> dict[str, bytes]:
    """Create the container, put the files into it; their SHA-256 by name. `counted` is told the bytes of each."""
    client = service.create_container(container)
    digests: dict[str, bytes] = {}
    with client, ThreadPoolExecutor(_THREADS) as pool:
        running = {pool.submit(_upload, client, file): file for file in files}
        try:
            for done in as_completed(running):
                digests[running[done].name] = done.result()
                counted(running[done].size_bytes)
        finally:
            pool.shutdown(cancel_futures=True)
    return digests


def compare(
    service: BlobServiceClient,
    container: str,
    digests: Mapping[str, bytes],
    *,
    ignored: frozenset[str],
    counted: Counted,
) -> Comparison:
    """Read every blob of the container back and compare it with the source's; memory does not depend on their sizes."""
    with service.get_container_client(container) as client:
        sizes = {blob.name: blob.size for blob in client.list_blobs() if blob.name not in ignored}
        different: list[str] = []
        with ThreadPoolExecutor(_THREADS) as pool:
            running = {pool.submit(_digest, client, name): name for name in sizes if name in digests}
            try:
                for done in as_completed(running):
                    name = running[done]
                    if done.result() != digests[name]:
                        different.append(name)
                    counted(sizes[name])
            finally:
                pool.shutdown(cancel_futures=True)
    return Comparison(
        verified=len(running) - len(different),
        size_bytes=sum(sizes.values()),
        missing=sorted(digests.keys() - sizes.keys()),
        unexpected=sorted(sizes.keys() - digests.keys()),
        different=sorted(different),
    )


def create_container(service: BlobServiceClient, container: str, blobs: Mapping[str, bytes]) -> None:
    """A container with these small blobs in it."""
    with service.create_container(container) as client:
        for name, content in blobs.items():
            client.upload_blob(name, content)


def container_exists(service: BlobServiceClient, container: str) -> bool:
    """Whether it is there."""
    with service.get_container_client(container) as client:
        return client.exists()


def blob_names(service: BlobServiceClient, container: str) -> set[str]:
    """All names in a container; empty where it does not exist."""
    with service.get_container_client(container) as client:
        try:
            return set(client.list_blob_names())
        except ResourceNotFoundError:
            return set()


def read_blob(service: BlobServiceClient, container: str, name: str) -> bytes | None:
    """A small blob; None where it is not there."""
    with service.get_blob_client(container, name) as client:
        try:
            return client.download_blob().readall()
        except ResourceNotFoundError:
            return None


def _upload(client: ContainerClient, file: SourceFile) -> bytes:
    with file.path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").digest()
        stream.seek(0)
        client.upload_blob(
            file.name, cast("IO[bytes]", stream), length=file.size_bytes, max_concurrency=_CHUNK_CONCURRENCY
        )
    return digest


def _digest(client: ContainerClient, name: str) -> bytes:
    digest = hashlib.sha256()
    for chunk in client.download_blob(name).chunks():
        digest.update(chunk)
    return digest.digest()
