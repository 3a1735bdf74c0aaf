"""Pairs of participants of one kind: two of EDC as shipped, two of EDC tuned, two of Ferry; all at the same time."""

import os
import random
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from azure.storage.blob import BlobServiceClient

from bench.measuring.process import peak_bytes_of
from ferry.cli.management import ManagementClient
from ferry.cli.participants import ParticipantProcess
from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack
from ferry.cli.watchdog import Watchdog
from ferry.emulators.azurite import StorageAccount
from ferry.emulators.fault_relay import FaultRelay
from ferry.emulators.stack import Emulators
from tests.interop.connector import Connector, ConnectorSettings, jars
from tests.interop.lane import Goods, Lane
from tests.interop.stage import Party, Stage

_SHIPPED, _TUNED = "shipped", "tuned"
_PART = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Pair:
    """A provider and a consumer. `provider_pid`: the process whose memory counts."""

    lane: Lane
    provider_pid: int

    def offered(self, name: str, blobs: int, size_bytes: int) -> Goods:
        """So many blobs of that size, on offer."""
        chance, asset = random.Random(name), f"bench-{name.lower()}"
        if blobs == 1:
            return self.lane.offered(asset, {"a/one.bin": _random_bytes(chance, size_bytes)}, {"blobName": "a/one.bin"})
        many = {f"many/{number:05d}.bin": chance.randbytes(size_bytes) for number in range(blobs)}
        return self.lane.offered(asset, many, {"blobPrefix": "many/"})

    def remove(self, container: str) -> None:
        """Take what was delivered away."""
        self.lane.consumer.blobs.delete_container(container)

    def provider_peak_bytes(self) -> int:
        """The most memory that the provider ever had."""
        return peak_bytes_of(self.provider_pid)


@contextmanager
def opened_pairs(folder: Path) -> Generator[Mapping[str, Pair]]:
    """The pairs by the name in the table; they end with the block. Raises CommandFailed."""
    built = jars()
    names = [f"{role}{kind}" for kind in (_SHIPPED, _TUNED) for role in (PROVIDER, CONSUMER)]
    with ExitStack() as exits:
        watchdog = Watchdog(folder)
        exits.callback(watchdog.close)
        emulators = exits.enter_context(Emulators.start(names))
        relay = exits.enter_context(FaultRelay(emulators.azurite))
        accounts = {name: emulators.description.participants[name].data_storage for name in names}
        connectors = {
            name: Connector(_settings(name, accounts[name], brisk=name.endswith(_TUNED)), folder, watchdog)
            for name in names
        }
        for it in connectors.values():
            exits.callback(it.stop)
            it.start(built)
        for it in connectors.values():
            it.wait_until_ready(built)
        parties = {name: _party(exits, name, connectors[name], accounts[name]) for name in names}
        stage = Stage(parties, relay)
        pairs = {
            f"EDC {kind}": Pair(
                Lane(parties[f"{PROVIDER}{kind}"], parties[f"{CONSUMER}{kind}"], stage),
                _pid_of(folder, f"{PROVIDER}{kind}"),
            )
            for kind in (_SHIPPED, _TUNED)
        }
        yield {"Ferry": _ferry(exits, relay), **pairs}


def _ferry(exits: ExitStack, relay: FaultRelay) -> Pair:
    stack = exits.enter_context(LocalStack.start())
    parties = {
        name: _party(exits, name, stack.participant(name), stack.resources(name).data_storage)
        for name in (PROVIDER, CONSUMER)
    }
    # The relay stands before the other storage; lanes need one only to hold writes back, which nobody does here.
    lane = Lane(parties[PROVIDER], parties[CONSUMER], Stage(parties, relay))
    return Pair(lane, stack.provider.pid or 0)


def _settings(name: str, account: StorageAccount, *, brisk: bool) -> ConnectorSettings:
    template = account.blob_endpoint.removesuffix(account.name) + "%s"
    return ConnectorSettings(participant_id=name, account=account, blob_endpoint=template, brisk=brisk)


def _party(exits: ExitStack, name: str, process: ParticipantProcess | Connector, account: StorageAccount) -> Party:
    management = exits.enter_context(ManagementClient(process.management_url, process.api_key))
    blobs = exits.enter_context(BlobServiceClient.from_connection_string(account.connection_string))
    return Party(name, management, process.protocol_url, blobs, process.log_path)


def _pid_of(folder: Path, participant: str) -> int:
    """The process of a connector, by the settings file that it was given."""
    wanted = str(folder / f"{participant}.properties").encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if wanted in (entry / "cmdline").read_bytes():
                    return int(entry.name)
            except OSError:
                continue
    raise ProcessLookupError(f"{participant} does not run")


def _random_bytes(chance: random.Random, size_bytes: int) -> bytes:
    """In parts: all at once the bits of 256 MiB are more than a C int counts."""
    return b"".join(chance.randbytes(min(_PART, size_bytes - at)) for at in range(0, size_bytes, _PART))
