"""`ferry verify`: reads the marker of a container, lists what is there, says whether it is what was delivered."""

import asyncio
from dataclasses import dataclass

from ferry.cli.blobs.addresses import AddressReader, StorageAddress
from ferry.cli.blobs.delivery import Delivery, DeliveryCheck
from ferry.cli.blobs.reads import tried
from ferry.cli.blobs.sides import command_sides, failure_at
from ferry.cli.exits import ExitCode
from ferry.cli.failure import CommandFailed
from ferry.cli.moved import Moved, Shown, shown
from ferry.cli.output import Output
from ferry.cli.quantities import size
from ferry.data_plane.manifest import MARKER_LIMIT_BYTES, Manifest, ManifestInvalid
from ferry.domain.faults import EffectFailed
from ferry.ports.blob_sides import BlobSides, SourceSide, WireLost, WireRefused
from ferry.ports.storage import BlobItem, BlobPage


@dataclass(frozen=True, slots=True)
class VerifyOrder:
    """What is to be checked. `ignores_others`: the container is shared with other blobs."""

    address: str
    marker: str = ".complete"
    ignores_others: bool = False


def run_verify(order: VerifyOrder, output: Output) -> None:
    """Check and show. Raises CommandFailed: DIFFERS, NOT_FOUND, REFUSED, NOT_REACHABLE, USAGE."""
    reader = AddressReader()
    address = reader.storage(order.address, "The container's address")
    for note in reader.notes:
        output.note(note)
    if address.is_blob:
        raise CommandFailed(
            f"{address.shown} is a blob, and a container is checked",
            next_step="name the container, or a folder in it with a slash at the end",
            exit_code=ExitCode.USAGE,
        )
    if not address.may("rl"):
        raise CommandFailed(
            f"The SAS allows {''.join(sorted(address.permissions))}, and r and l are needed",
            next_step="make a SAS with read and list",
            exit_code=ExitCode.USAGE,
        )
    with shown(output) as progress:
        found = asyncio.run(_checked(order, address, progress))
    output.result(found.to_json())
    if not found.is_complete:
        raise CommandFailed(
            f"What lies at {address.shown} is not what the manifest says:",
            next_step="do not use the data; start a new transfer, or find out who has changed it",
            exit_code=ExitCode.DIFFERS,
            faults=found.differences,
        )
    output.line(
        f"verified: {found.blobs} blobs, {size(found.size_bytes)}, root {found.root} "
        f"(transfer {found.manifest.consumer_pid}, agreement {found.manifest.agreement_id})"
    )


async def _checked(order: VerifyOrder, address: StorageAddress, progress: Shown) -> Delivery:
    sides = command_sides(address)
    try:
        return await check_delivery(sides, order, address, progress)
    except (WireRefused, WireLost, EffectFailed) as error:
        raise failure_at(address.shown, error) from error
    finally:
        await sides.close()


async def check_delivery(sides: BlobSides, order: VerifyOrder, address: StorageAddress, progress: Shown) -> Delivery:
    """The comparison. Raises CommandFailed where there is no manifest, WireRefused, WireLost, EffectFailed."""
    source = sides.source_at(address.container_address)
    manifest = await _manifest(source, order, address)
    check = DeliveryCheck(manifest, marker=order.marker, ignores_others=order.ignores_others)
    after: str | None = None
    blobs = size_bytes = 0
    while True:
        page = await _page(source, address.folder, after)
        for item in page.items:
            check.add(item.name, item.size_bytes)
            size_bytes += item.size_bytes
        blobs += len(page.items)
        progress.show(Moved(blobs=blobs, size_bytes=size_bytes, blobs_total=max(blobs, manifest.blobs)))
        after = page.next_marker
        if after is None:
            return check.result()


async def _manifest(source: SourceSide, order: VerifyOrder, address: StorageAddress) -> Manifest:
    item = await tried(lambda: source.head(order.marker))
    if item is None:
        raise CommandFailed(
            f"There is no marker {order.marker!r} at {address.shown}",
            next_step="wait for the transfer, or name the marker with --marker (an unmanaged transfer's: .ID.complete)",
            exit_code=ExitCode.NOT_FOUND,
        )
    try:
        return Manifest.parse(await _content(source, item))
    except ManifestInvalid as invalid:
        raise CommandFailed(
            f"The marker {order.marker!r} at {address.shown} is no manifest: {invalid}",
            next_step="there is nothing to compare with; another connector's marker is empty",
            exit_code=ExitCode.DIFFERS,
        ) from None


async def _content(source: SourceSide, item: BlobItem) -> bytes:
    if not item.size_bytes:
        return b""
    return await tried(lambda: source.read(item, 0, min(item.size_bytes, MARKER_LIMIT_BYTES + 1)))


async def _page(source: SourceSide, prefix: str, after: str | None) -> BlobPage:
    return await tried(lambda: source.list_page(prefix, after=after))
