"""A stack in which everything that participants, clients and storage say to each other passes recording relays.

Azurite keeps its data in files and the participants log all they can, so that there is much to be looked through. What
a test itself asks of the storage or the vaults does not pass the relays.
"""

import os
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import pytest

from ferry.cli.environment import ParticipantSettings
from ferry.cli.hosts import HostKind
from ferry.cli.management import ManagementClient
from ferry.cli.participants import RunPlace
from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack, StackOptions
from ferry.cli.watchdog import Watchdog
from ferry.emulators.admin_client import SubscriptionStatus
from ferry.emulators.azurite import StorageAccount
from ferry.emulators.launch import launch_emulators
from ferry.emulators.resources import ParticipantResources
from ferry.emulators.vault_access import seed_secret
from tests.e2e.pair import Pair
from tests.security.relay import RecordingRelay, Request, TlsFiles

IDENTITY = "identity"
STORAGE_SERVICES = ("blob", "queue", "table")
_STDERR = 2
_DEADLINES = '{"REQUESTING": 40, "PREPARATION_REQUESTED": 40}'


class ObservedStack(LocalStack):
    """A local stack with a relay before each participant, each storage service and the identity endpoint."""

    @classmethod
    def launch(cls, host: HostKind, *, keyless: bool) -> Self:
        """Start it; `close` it after use."""
        return cls.start(StackOptions(keyless=keyless, host=host))

    @property
    def relays(self) -> Mapping[str, RecordingRelay]:
        """The relays: consumer, provider, blob, queue, table, identity."""
        return self._relays

    @property
    def azurite_folder(self) -> Path:
        """Where Azurite keeps its data."""
        return self.folder / "azurite"

    @property
    def emulators_folder(self) -> Path:
        """Where the emulators keep files of their own."""
        return self.resources(CONSUMER).certificate_path.parent

    @property
    def emulators_output(self) -> Path:
        """What the emulators and Azurite have printed besides the one line that tells how to reach them."""
        return self.folder / "emulators.out"

    def subscribe(self) -> SubscriptionStatus:
        """Let Event Grid tell the consumer of completion markers, by the consumer's relay."""
        events = urlsplit(self.consumer.events_url)
        target = f"{self._relays[CONSUMER].url}{events.path}?{events.query}"
        account = self.resources(CONSUMER).data_storage.name
        return self.admin.subscribe(account, target, container_prefixes=("",))

    def _open(self) -> None:
        watchdog = Watchdog(self.folder)
        self._exits.callback(watchdog.close)
        keyless = self.options.keyless
        with _stderr_to(self.emulators_output):
            launched = launch_emulators(
                (CONSUMER, PROVIDER), https=keyless, oauth=keyless, location=self.azurite_folder
            )
        self._emulators = self._exits.enter_context(launched)
        if not keyless:
            for resources in launched.participants.values():
                seed_secret(resources, resources.data_storage.name, resources.data_storage.key)
        self._open_relays()
        self._start_processes(RunPlace(self.options.host, self.folder, watchdog))
        self.subscribe()

    def _open_relays(self) -> None:
        resources = self.resources(CONSUMER)
        folder = self.emulators_folder
        tls = TlsFiles(folder / "cert.pem", folder / "key.pem") if self.options.keyless else None
        account, identity = resources.data_storage, resources.identity_environment["IDENTITY_ENDPOINT"]
        self._relays = {
            CONSUMER: RecordingRelay(lambda: self.consumer.url),
            PROVIDER: RecordingRelay(lambda: self.provider.url),
            IDENTITY: RecordingRelay(lambda: identity),
            "blob": RecordingRelay(lambda: account.blob_endpoint, tls=tls),
            "queue": RecordingRelay(lambda: account.queue_endpoint, tls=tls),
            "table": RecordingRelay(lambda: account.table_endpoint, tls=tls),
        }
        for relay in self._relays.values():
            self._exits.callback(relay.close)
        spoken = {"FERRY_LOG_LEVEL": "DEBUG", "FERRY_DEADLINES": _DEADLINES}
        told = {name: {**spoken, "FERRY_PUBLIC_URL": self._relays[name].url} for name in (CONSUMER, PROVIDER)}
        self.options = replace(self.options, environment=told)

    def _settings(
        self, participant: str, keys: Mapping[str, str], *, host_id: str, roles: str = "", data_plane_url: str = ""
    ) -> ParticipantSettings:
        settings = super()._settings(participant, keys, host_id=host_id, roles=roles, data_plane_url=data_plane_url)
        return replace(settings, resources=self._relayed(settings.resources))

    def _relayed(self, resources: ParticipantResources) -> ParticipantResources:
        identity = dict(resources.identity_environment)
        identity["IDENTITY_ENDPOINT"] = self._relays[IDENTITY].url + urlsplit(identity["IDENTITY_ENDPOINT"]).path
        return replace(
            resources,
            host_storage=self._relayed_account(resources.host_storage),
            data_storage=self._relayed_account(resources.data_storage),
            identity_environment=identity,
        )

    def _relayed_account(self, account: StorageAccount) -> StorageAccount:
        urls = {f"{service}_endpoint": f"{self._relays[service].url}/{account.name}" for service in STORAGE_SERVICES}
        return replace(account, **urls)


class ObservedPair(Pair):
    """The two participants of an observed stack, spoken to by their relays."""

    def __init__(self, stack: ObservedStack) -> None:
        super().__init__(stack)
        self.relays = stack.relays
        self.observed = stack
        self.consumer.close()
        self.provider.close()
        self.consumer = self._client(CONSUMER)
        self.provider = self._client(PROVIDER)

    @property
    def provider_url(self) -> str:
        """The provider's DSP base, at its relay."""
        return self.relays[PROVIDER].url + urlsplit(self.stack.provider.protocol_url).path

    def _client(self, name: str) -> ManagementClient:
        process = self.stack.participant(name)
        return ManagementClient(self.relays[name].url + urlsplit(process.management_url).path, process.api_key)


def is_transfer_request(request: Request) -> bool:
    """Whether it is a TransferRequestMessage, the one message that carries a secret."""
    return request.method == "POST" and request.path.endswith("/transfers/request")


def is_write_by_sas(request: Request, container: str = "") -> bool:
    """Whether it writes a blob with a SAS, into that container where one is named."""
    return request.method == "PUT" and "sig=" in request.target and f"/{container}" in request.path


_STACKS = pytest.StashKey[dict[bool, ObservedStack]]()


def observed_stack(config: pytest.Config, *, keyless: bool) -> ObservedStack:
    """The stack of this mode that all tests of a test process share; it ends with the process."""
    running = config.stash.setdefault(_STACKS, {})
    if keyless not in running:
        running[keyless] = ObservedStack.launch(HostKind(config.getoption("--host")), keyless=keyless)
        config.add_cleanup(running[keyless].close)
    return running[keyless]


@contextmanager
def _stderr_to(path: Path) -> Generator[None]:
    """Let the processes that are started meanwhile write their errors to this file."""
    kept = os.dup(_STDERR)
    with path.open("ab") as file:
        os.dup2(file.fileno(), _STDERR)
    try:
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)
