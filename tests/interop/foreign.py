"""EDC control planes on both sides, without a data plane of their own: Ferry is the provider's, by EDC's signaling.

EDC hands over the name of a SAS and nothing else, so provider and plane have one vault: a Key Vault, which a small
extension in the folder `signaling` puts in the place of EDC's own.
"""

import json
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from azure.storage.blob import BlobServiceClient

from ferry.cli.environment import ParticipantSettings
from ferry.cli.hosts import HostKind
from ferry.cli.management import ManagementClient
from ferry.cli.participants import ParticipantProcess, RunPlace
from ferry.cli.watchdog import Watchdog
from ferry.emulators.azurite import StorageAccount
from ferry.emulators.fault_relay import FaultRelay
from ferry.emulators.resources import ParticipantResources
from ferry.emulators.stack import Emulators
from ferry.emulators.vault_access import seed_account_keys
from tests.interop.connector import CONTROL_PROJECT, Connector, ConnectorSettings, jars
from tests.interop.lane import Lane, Unexpected, as_list, until
from tests.interop.stage import Party, Stage

PROVIDER, CONSUMER = "edcprovider", "edcconsumer"


@contextmanager
def opened_foreign_lane(folder: Path, *, brisk: bool) -> Generator[Lane]:
    """Both connectors and the plane, which has registered itself. Raises CommandFailed and Unexpected."""
    built = jars(CONTROL_PROJECT)
    with ExitStack() as exits:
        watchdog = Watchdog(folder)
        exits.callback(watchdog.close)
        emulators = exits.enter_context(Emulators.start((PROVIDER, CONSUMER)))
        relay = exits.enter_context(FaultRelay(emulators.azurite))
        resources = emulators.description.participants
        received = relay.account(resources[CONSUMER].data_storage.name)
        accounts = {PROVIDER: resources[PROVIDER].data_storage, CONSUMER: received}
        connectors: dict[str, Connector] = {}
        for name, account in accounts.items():
            seed_account_keys(resources[name])
            settings = _settings(resources[name], account, brisk=brisk)
            connectors[name] = Connector(settings, folder, watchdog)
            exits.callback(connectors[name].stop)
            connectors[name].start(built)
        for connector in connectors.values():
            connector.wait_until_ready(built)
        place = RunPlace(HostKind.DEVHOST, folder, watchdog)
        plane = _plane(resources[PROVIDER], received, connectors[PROVIDER].control_url, place)
        exits.callback(plane.stop)
        plane.start()
        plane.wait_until_ready()
        parties = {name: _party(exits, name, connectors[name], resources[name].data_storage) for name in connectors}
        _await_registration(parties[PROVIDER])
        yield Lane(parties[PROVIDER], parties[CONSUMER], Stage(parties, relay))


def _settings(resources: ParticipantResources, account: StorageAccount, *, brisk: bool) -> ConnectorSettings:
    identity = resources.identity_environment
    vault: Mapping[str, str] = {
        "keyvault.url": resources.vault_url,
        "keyvault.identity.endpoint": identity["IDENTITY_ENDPOINT"],
        "keyvault.identity.header": identity["IDENTITY_HEADER"],
        "keyvault.certificate": str(resources.certificate_path),
    }
    return ConnectorSettings(
        participant_id=resources.name,
        account=account,
        blob_endpoint=account.blob_endpoint.removesuffix(account.name) + "%s",
        brisk=brisk,
        properties=vault,
    )


def _plane(
    resources: ParticipantResources, other: StorageAccount, control_url: str, place: RunPlace
) -> ParticipantProcess:
    own = resources.data_storage
    accounts = {own.name: {"endpoint": own.blob_endpoint}, other.name: {"endpoint": other.blob_endpoint}}
    settings = ParticipantSettings(resources=resources, host_id="plane", api_key="none", roles="dataplane")
    environment = {
        "FERRY_STORAGE_ACCOUNTS": json.dumps(accounts),
        # EDC's control plane shows nothing when it calls a data plane.
        "FERRY_SIGNALING_ACCESS": "open",
        "FERRY_REGISTER_AT": json.dumps({"url": control_url, "dialect": "edc-v1", "id": "ferry"}),
    }
    return ParticipantProcess("plane", settings, place=place, environment=environment)


def _party(exits: ExitStack, name: str, connector: Connector, account: StorageAccount) -> Party:
    management = exits.enter_context(ManagementClient(connector.management_url, connector.api_key))
    blobs = exits.enter_context(BlobServiceClient.from_connection_string(account.connection_string))
    return Party(name, management, connector.protocol_url, blobs, connector.log_path)


def _await_registration(provider: Party) -> None:
    """Return when EDC shows the plane, and finds that it answers. Raises Unexpected."""

    def shown() -> str:
        planes = as_list(provider.management.call("GET", "/dataplanes"))
        return "".join(str(it["state"]) for it in planes if it.get("state") == "AVAILABLE")

    try:
        until(shown, "no data plane")
    except Unexpected:
        known = provider.management.call("GET", "/dataplanes")
        raise Unexpected(f"EDC does not show Ferry as an available data plane: {known}") from None
