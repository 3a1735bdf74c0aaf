"""A running pair of participants, and containers of the provider that are copied to the consumer: by a transfer of the
connector, and by `ferry copy` between the same two accounts."""

# The SDK leaves keyword arguments without types.
# pyright: reportUnknownMemberType=false

import itertools
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import uvloop
from azure.storage.blob import BlobBlock, BlobServiceClient, generate_container_sas

from bench.copiers.copier import Task
from bench.copiers.ours import ours
from bench.copiers.plain import Address, Lines, address, each, listed, parts_of, uploaded
from bench.measuring.azurite_place import content_of
from bench.measuring.lab import LETTERS, measured_copy
from bench.measuring.process import Measured, peak_bytes_of
from bench.measuring.watched import Watch
from bench.standin.content import Extent
from ferry.cli.management import ManagementClient
from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack
from ferry.emulators.azurite import StorageAccount

_SOURCE = "bench-source"
_AT_ONCE = 16
_POLL_SECONDS = 0.2
_MARKER = ".complete"
# A large source is these blocks in turn. No block of a copy is a multiple of them, so none can take another's place.
_CYCLE = parts_of(9 * 8 * 1024 * 1024)
_TIMEOUT_SECONDS = 1800.0


class Case(NamedTuple):
    """What is copied: so many blobs of one size. More than one part of 8 MiB only where there is one blob."""

    blobs: int
    size_bytes: int

    def name(self, number: int) -> str:
        """The name of a blob."""
        return f"data/blob-{number:06d}.bin"

    def content(self, number: int, part: int) -> bytes:
        """One of its parts of 8 MiB."""
        if self.size_bytes <= _CYCLE[0].size_bytes:
            return content_of(Extent(number * 48_616, self.size_bytes), parts_of(self.size_bytes)[0])
        return content_of(Extent(0, len(_CYCLE) * _CYCLE[0].size_bytes), _CYCLE[part % len(_CYCLE)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A transfer of the connector. Times are seconds since the epoch; `ended_at` is that of COMPLETED."""

    began_at: float
    ended_at: float
    fault: str

    @property
    def seconds(self) -> float:
        """From before the POST to COMPLETED at the consumer."""
        return self.ended_at - self.began_at


@dataclass(slots=True)
class PairPlace:
    """Two participants, and one case of which the provider has the blobs and the consumer an agreement."""

    stack: LocalStack
    consumer: ManagementClient
    provider: ManagementClient
    case: Case
    _agreement_id: str = ""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def prepare(self) -> None:
        """Put the blobs there, offer them, agree."""
        with self.stack.blobs(PROVIDER) as blobs:
            blobs.create_container(_SOURCE)
            self._fill(blobs)
        account = self.stack.resources(PROVIDER).data_storage.name
        self.provider.create_asset("bench", {"account": account, "container": _SOURCE, "blobPrefix": ""}, {})
        self.provider.create_policy("bench")
        self.provider.create_contract_definition("bench", "bench", "bench")
        (offer,) = self.consumer.catalog(self.stack.provider.protocol_url)
        negotiation_id = self.consumer.negotiate(self.stack.provider.protocol_url, offer)
        until = time.monotonic() + 60
        while (view := self.consumer.negotiation(negotiation_id)).state != "FINALIZED":
            if time.monotonic() > until:
                raise TimeoutError(f"the negotiation stands at {view.state}")
            time.sleep(0.05)
        self._agreement_id = view.agreement_id or ""

    def transferred(self, *, watches: bool = False) -> tuple[Delivery, list[Watch]]:
        """One transfer; its container is checked and taken away. With `watches` both sides' progress is asked for."""
        began_at = time.time()
        url = self.stack.provider.protocol_url
        transfer_id = self.consumer.start_transfer(url, asset_id="bench", contract_id=self._agreement_id)
        watching = self._watches(transfer_id) if watches else []
        for watch in watching:
            watch.start()
        until = time.monotonic() + _TIMEOUT_SECONDS
        while (state := self.consumer.transfer_state(transfer_id)) not in ("COMPLETED", "TERMINATED"):
            if time.monotonic() > until:
                break
            time.sleep(_POLL_SECONDS)
        for watch in watching:
            watch.stop()
        view = self.consumer.transfer(transfer_id)
        if state != "COMPLETED":
            return Delivery(began_at=began_at, ended_at=time.time(), fault=f"{state}: {view.error}"), watching
        ended_at = next(it.at.timestamp() for it in view.history if it.state == "COMPLETED")
        fault = self._checked(str(view.destination["container"]))
        return Delivery(began_at=began_at, ended_at=ended_at, fault=fault), watching

    def copied(self) -> tuple[Measured, str]:
        """One `ferry copy` between the same accounts, into a container that is checked and taken away; its fault."""
        container = f"copy-{next(self._numbers)}"
        with self.stack.blobs(CONSUMER) as blobs:
            blobs.create_container(container)
        task = Task(
            source_url=_url(self.stack.resources(PROVIDER).data_storage, _SOURCE, "rl"),
            destination_url=_url(self.stack.resources(CONSUMER).data_storage, container, LETTERS),
        )
        with tempfile.TemporaryDirectory(prefix="bench-") as place:
            measured = measured_copy(ours(), task, Path(place), timeout_seconds=_TIMEOUT_SECONDS)
        if measured.exit_code:
            return measured, f"exit code {measured.exit_code}: {measured.output[-600:].strip()}"
        return measured, self._checked(container)

    def peak_bytes(self, name: str) -> int:
        """The peak memory of a participant's process since its start."""
        return peak_bytes_of(self.stack.participant(name).pid or 0)

    def _fill(self, blobs: BlobServiceClient) -> None:
        case, account = self.case, self.stack.resources(PROVIDER).data_storage
        if len(parts_of(case.size_bytes)) > 1:
            with blobs.get_blob_client(_SOURCE, case.name(0)) as blob:
                for number, part in enumerate(_CYCLE):
                    blob.stage_block(part.block_id, case.content(0, number))
                ids = [_CYCLE[it % len(_CYCLE)].block_id for it in range(len(parts_of(case.size_bytes)))]
                blob.commit_block_list([BlobBlock(it) for it in ids])
            return
        container = address(_url(account, _SOURCE, "cw"))
        lines = Lines(container)

        async def put(number: int) -> None:
            name = container.blob(case.name(number))
            await uploaded(lines, name, case.size_bytes, lambda _: case.content(number, 0))

        uvloop.run(each(_AT_ONCE, range(case.blobs), put))

    def _watches(self, transfer_id: str) -> list[Watch]:
        known: list[str] = []

        def provider_pid() -> str | None:
            if not known and (found := self.consumer.transfer(transfer_id).correlation_id):
                known.append(found)
            return known[0] if known else None

        stack = self.stack
        return [
            Watch(stack.consumer.management_url, stack.consumer.api_key, lambda: transfer_id),
            Watch(stack.provider.management_url, stack.provider.api_key, provider_pid),
        ]

    def _checked(self, container: str) -> str:
        """What is wrong with a delivery, byte by byte; empty where nothing is. The container is removed."""
        found = address(_url(self.stack.resources(CONSUMER).data_storage, container, "rl"))
        wrong = uvloop.run(_wrong(found, self.case))
        with self.stack.blobs(CONSUMER) as blobs:
            blobs.delete_container(container)
        return f"not equal: {', '.join(wrong[:5])}" if wrong else ""


@contextmanager
def pair_place(case: Case) -> Generator[PairPlace]:
    """A pair that ends with the block, and with it the memory that its storage has taken."""
    with (
        LocalStack.start() as stack,
        ManagementClient(stack.consumer.management_url, stack.consumer.api_key) as consumer,
        ManagementClient(stack.provider.management_url, stack.provider.api_key) as provider,
    ):
        place = PairPlace(stack, consumer, provider, case)
        place.prepare()
        yield place


def _url(account: StorageAccount, container: str, letters: str) -> str:
    ends = datetime.now(UTC) + timedelta(days=1)
    sas = generate_container_sas(account.name, container, account.key, permission=letters, expiry=ends)
    return f"{account.blob_endpoint}/{container}?{sas}"


async def _wrong(container: Address, case: Case) -> list[str]:
    lines = Lines(container)
    found = {it.name: it.size_bytes async for it in listed(lines, container) if it.name != _MARKER}
    numbers = {case.name(number): number for number in range(case.blobs)}
    wrong = sorted(found.keys() ^ numbers.keys())

    async def check(name: str) -> None:
        parts = parts_of(case.size_bytes)
        for number, part in enumerate(parts):
            theirs = await lines.ask("GET", container.blob(name), part.range)
            if found[name] != case.size_bytes or theirs != case.content(numbers[name], number):
                wrong.append(name)
                return

    await each(_AT_ONCE, [it for it in found if it in numbers], check)
    return wrong
