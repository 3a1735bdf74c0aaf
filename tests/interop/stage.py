"""What a run of the interop scenarios stands on: the emulators, one Ferry participant and one EDC connector.

EDC reaches the storage through a relay that can refuse its writes, so that a transfer stays under way for as long as a
scenario needs. Each of the two is provider in one direction and consumer in the other.
"""

import json
import secrets
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from azure.storage.blob import BlobServiceClient

from ferry.cli.environment import ParticipantSettings
from ferry.cli.hosts import HostKind
from ferry.cli.management import ManagementClient
from ferry.cli.participants import ParticipantProcess, RunPlace
from ferry.cli.watchdog import Watchdog
from ferry.emulators.azurite import StorageAccount
from ferry.emulators.fault_relay import FaultRelay
from ferry.emulators.relay_faults import RelayFault
from ferry.emulators.resources import ParticipantResources
from ferry.emulators.stack import Emulators
from ferry.emulators.vault_access import seed_account_keys
from tests.interop.connector import Connector, ConnectorSettings, jars

# Not "edc": that is a prefix of its JSON-LD contexts, so it refuses every message that names such a participant.
FERRY, EDC = "ferry", "stockedc"


@dataclass(frozen=True, slots=True)
class Party:
    """One participant as its clients see it; `name` is its participant id, `blobs` its data account as its owner."""

    name: str
    management: ManagementClient
    protocol_url: str
    blobs: BlobServiceClient
    log_path: Path

    @property
    def account(self) -> str:
        """The name of its data account, and of the account's key in its vault."""
        return str(self.blobs.account_name)


@dataclass(frozen=True, slots=True)
class Stage:
    """Both participants, and the relay between them and the storage of whoever receives."""

    parties: Mapping[str, Party]
    _relay: FaultRelay

    @contextmanager
    def writes_held(self, container: str) -> Generator[None]:
        """Let no blob be written into that container meanwhile: whoever copies is told to try again later."""
        self._relay.faults.plan(RelayFault("status", service="blob", method="PUT", path_contains=f"/{container}/"))
        try:
            yield
        finally:
            self._relay.faults.clear()


@contextmanager
def opened_stage(folder: Path, *, brisk: bool) -> Generator[Stage]:
    """A stage that ends with the block and has its logs in that folder. Raises CommandFailed."""
    built = jars()
    with ExitStack() as exits:
        watchdog = Watchdog(folder)
        exits.callback(watchdog.close)
        emulators = exits.enter_context(Emulators.start((FERRY, EDC)))
        relay = exits.enter_context(FaultRelay(emulators.azurite))
        resources = emulators.description.participants
        received_by_edc = relay.account(resources[EDC].data_storage.name)
        ferry = _ferry(resources[FERRY], received_by_edc, RunPlace(HostKind.DEVHOST, folder, watchdog))
        edc = Connector(_edc_settings(received_by_edc, brisk=brisk), folder, watchdog)
        for process in (ferry, edc):
            exits.callback(process.stop)
        edc.start(built)
        ferry.start()
        ferry.wait_until_ready()
        edc.wait_until_ready(built)
        parties = {
            FERRY: _party(exits, FERRY, ferry, resources[FERRY].data_storage),
            EDC: _party(exits, EDC, edc, resources[EDC].data_storage),
        }
        yield Stage(parties, relay)


def _ferry(resources: ParticipantResources, other: StorageAccount, place: RunPlace) -> ParticipantProcess:
    seed_account_keys(resources)
    settings = ParticipantSettings(resources=resources, host_id=FERRY, api_key=secrets.token_urlsafe(24))
    own = resources.data_storage
    # EDC names its account and no endpoint, so where that answers is a setting, as for a sovereign cloud.
    accounts = {own.name: {"endpoint": own.blob_endpoint}, other.name: {"endpoint": other.blob_endpoint}}
    return ParticipantProcess(
        FERRY, settings, place=place, environment={"FERRY_STORAGE_ACCOUNTS": json.dumps(accounts)}
    )


def _edc_settings(account: StorageAccount, *, brisk: bool) -> ConnectorSettings:
    template = account.blob_endpoint.removesuffix(account.name) + "%s"
    return ConnectorSettings(participant_id=EDC, account=account, blob_endpoint=template, brisk=brisk)


def _party(exits: ExitStack, name: str, process: ParticipantProcess | Connector, account: StorageAccount) -> Party:
    management = exits.enter_context(ManagementClient(process.management_url, process.api_key))
    blobs = exits.enter_context(BlobServiceClient.from_connection_string(account.connection_string))
    return Party(name, management, process.protocol_url, blobs, process.log_path)
