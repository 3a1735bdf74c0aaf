"""Two accounts in one Azurite whose data lies in memory, filled with the stand-in's content, checked by MD5.

Azurite says nothing about how fast Azure is: one of its threads does all the work, for every client the same.
"""

# The SDK leaves keyword arguments without types.
# pyright: reportUnknownMemberType=false

import itertools
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import md5
from pathlib import Path
from typing import NamedTuple

import uvloop

from bench.copiers.copier import Copier, Task
from bench.copiers.plain import Address, Lines, Listed, Part, address, each, listed, parts_of, uploaded
from bench.measuring.lab import LETTERS, measured_copy
from bench.measuring.process import Measured
from bench.standin.content import PERIOD, Extent, piece
from bench.standin.source import Source
from ferry.emulators.azurite import Azurite, StorageAccount, launch_azurite, new_account_key
from ferry.emulators.azurite_install import install_azurite

_SOURCE, _DESTINATION = "benchsource", "benchdestination"
_MEMORY = Path("/dev/shm")
_SCRIPT = Path(__file__).with_name("put_blob_from_url.cjs")
_AT_ONCE = 16
_START_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AzuriteTrial:
    """One copy that was made in Azurite."""

    copier: str
    measured: Measured
    fault: str


class Filled(NamedTuple):
    """A container that holds all of a source; its address has a SAS for reading."""

    source: Source
    url: str


@dataclass(slots=True)
class AzuritePlace:
    """A running Azurite with a filled container for each case."""

    azurite: Azurite
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def fill(self, container: str, source: Source) -> Filled:
        """Put all blobs of a source into a container."""
        account = self.azurite.account(_SOURCE)
        writable = made(account, container, "racwdl")
        uvloop.run(_filled(address(writable), source))
        return Filled(source, made(account, container, "rl"))

    def trial(self, copier: Copier, filled: Filled, *, streams: bool = False, is_checked: bool = True) -> AzuriteTrial:
        """One copy into a container of its own, which is checked and taken away."""
        account, container = self.azurite.account(_DESTINATION), f"dst-{next(self._numbers)}"
        url = made(account, container, LETTERS)
        task = Task(source_url=filled.url, destination_url=url, streams=streams)
        with tempfile.TemporaryDirectory(prefix="bench-") as place:
            measured = measured_copy(copier, task, Path(place))
        wrong = uvloop.run(_wrong(address(url), filled.source)) if is_checked else []
        fault = f"not equal: {', '.join(wrong[:5])}" if wrong else ""
        if measured.exit_code:
            fault = f"exit code {measured.exit_code}: {measured.output[-600:].strip()}"
        removed(account, container)
        return AzuriteTrial(copier=copier.name, measured=measured, fault=fault)


@contextmanager
def azurite_place() -> Generator[AzuritePlace]:
    """An Azurite that ends with the block, and that knows Put Blob From URL (see the script)."""
    memory = _MEMORY if _MEMORY.is_dir() else None
    keys = {it: new_account_key() for it in (_SOURCE, _DESTINATION)}
    with tempfile.TemporaryDirectory(prefix="bench-azurite-", dir=memory) as folder:
        installation = replace(install_azurite(), observer=_SCRIPT)
        with launch_azurite(installation, keys, certificate=None, oauth=False, location=Path(folder)) as azurite:
            azurite.wait_until_listening(_START_SECONDS)
            yield AzuritePlace(azurite)


def made(account: StorageAccount, container: str, letters: str) -> str:
    """A container, there from now on, with a SAS."""
    from azure.core.exceptions import ResourceExistsError
    from azure.storage.blob import BlobServiceClient, generate_container_sas

    with BlobServiceClient(account.blob_endpoint, account.key) as service, suppress(ResourceExistsError):
        service.create_container(container)
    ends = datetime.now(UTC) + timedelta(days=1)
    sas = generate_container_sas(account.name, container, account.key, permission=letters, expiry=ends)
    return f"{account.blob_endpoint}/{container}?{sas}"


def removed(account: StorageAccount, container: str) -> None:
    """The container, away with all that is in it."""
    from azure.storage.blob import BlobServiceClient

    with BlobServiceClient(account.blob_endpoint, account.key) as service:
        service.delete_container(container)


async def _filled(container: Address, source: Source) -> None:
    lines = Lines(container)

    async def put(number: int) -> None:
        blob = source.blob(number)
        await uploaded(lines, container.blob(blob.name), blob.extent.size_bytes, lambda it: content_of(blob.extent, it))

    await each(_AT_ONCE, range(source.count), put)


def content_of(extent: Extent, part: Part) -> bytes:
    """The bytes of a part of a blob."""
    position, left, pieces = extent.position + part.start, part.size_bytes, list[memoryview]()
    while left:
        pieces.append(piece(position, left))
        position, left = (position + len(pieces[-1])) % PERIOD, left - len(pieces[-1])
    return b"".join(pieces)


async def _wrong(container: Address, source: Source) -> list[str]:
    """The names that are not there, not of the source, or not equal to it."""
    lines = Lines(container)
    found = [it async for it in listed(lines, container)]
    wrong = sorted({it.name for it in found} ^ {source.name(number) for number in range(source.count)})

    async def check(it: Listed) -> None:
        blob = source.find(it.name)
        if blob is None:
            return
        ours, theirs = md5(usedforsecurity=False), md5(usedforsecurity=False)
        for part in parts_of(it.size_bytes):
            theirs.update(await lines.ask("GET", container.blob(it.name), part.range if it.size_bytes else ""))
        for part in parts_of(blob.extent.size_bytes):
            ours.update(content_of(blob.extent, part))
        if ours.digest() != theirs.digest():
            wrong.append(it.name)

    await each(_AT_ONCE, found, check)
    return wrong
