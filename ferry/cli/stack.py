"""The local stack: emulators, a consumer, a provider and, if asked for, a data plane apart, each in its own process."""

import json
import secrets
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from azure.keyvault.secrets import SecretClient
from azure.storage.blob import BlobServiceClient

from ferry.cli.environment import ParticipantSettings
from ferry.cli.hosts import HostKind, require_host
from ferry.cli.launching import start_emulators
from ferry.cli.participants import ParticipantProcess, RunPlace
from ferry.cli.watchdog import Watchdog
from ferry.emulators.admin_client import AdminClient, SubscriptionStatus
from ferry.emulators.launch import LaunchedEmulators
from ferry.emulators.resources import ParticipantResources
from ferry.emulators.vault_access import seed_account_keys, vault_client
from ferry.protocol.did import did_of

CONSUMER, PROVIDER, DATA_PLANE = "consumer", "provider", "dataplane"
READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOptions:
    """How the stack is to run. `environment`: variables above the settings, by process; an empty value removes one.

    `signed`: participants prove who they are. `relay`: a relay before Azurite that can make faults. `subscribe`:
    whether Event Grid tells the consumer of markers.
    """

    keyless: bool = False
    remote_data_plane: bool = False
    signed: bool = False
    relay: bool = False
    subscribe: bool = True
    host: HostKind = HostKind.DEVHOST
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    ready_seconds: float = READY_SECONDS


class LocalStack:
    """Everything that `ferry up` runs; use `start` as a context manager, or call `close`."""

    def __init__(self, options: StackOptions) -> None:
        """Nothing is started yet. Raises CommandFailed where the machine lacks the host that is asked for."""
        require_host(options.host)
        self.options = options
        self.folder = Path(tempfile.mkdtemp(prefix="ferry-run-"))
        self.keep_folder = False
        self._exits = ExitStack()
        self._processes: dict[str, ParticipantProcess] = {}

    @classmethod
    def start(cls, options: StackOptions | None = None) -> Self:
        """Start everything and return when it is ready.

        Raises CommandFailed, and keeps the folder with the logs then.
        """
        stack = cls(options or StackOptions())
        try:
            stack._open()
        except BaseException as error:
            stack.keep_folder = isinstance(error, Exception)
            stack.close()
            raise
        return stack

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def emulators(self) -> LaunchedEmulators:
        """Azurite, vaults, identity and Event Grid, in a process of their own."""
        return self._emulators

    @property
    def admin(self) -> AdminClient:
        """The emulators' own interface: faults, counts, subscriptions."""
        return self._emulators.admin

    @property
    def processes(self) -> Mapping[str, ParticipantProcess]:
        """The participants' processes by name: consumer, provider and, if asked for, dataplane."""
        return self._processes

    @property
    def consumer(self) -> ParticipantProcess:
        """The consumer."""
        return self._processes[CONSUMER]

    @property
    def provider(self) -> ParticipantProcess:
        """The provider."""
        return self._processes[PROVIDER]

    def participant(self, name: str) -> ParticipantProcess:
        """A process by its name; KeyError where there is none."""
        return self._processes[name]

    def resources(self, participant: str) -> ParticipantResources:
        """The participant's storage accounts, vault and identity."""
        return self._emulators.participants[participant]

    def blobs(self, participant: str) -> BlobServiceClient:
        """The SDK's client for the participant's data account, with its key, as its owner; close it after use."""
        resources = self.resources(participant)
        return BlobServiceClient.from_connection_string(
            resources.data_storage.connection_string,
            connection_verify=str(resources.certificate_path),
            max_single_get_size=4 * 1024 * 1024,
            max_single_put_size=4 * 1024 * 1024,
        )

    def vault(self, participant: str) -> SecretClient:
        """The SDK's client for the participant's vault, signed in as the participant; close it after use."""
        return vault_client(self.resources(participant))

    def subscribe(self) -> SubscriptionStatus:
        """Let Event Grid tell the consumer of every completion marker in its data account."""
        account = self.resources(CONSUMER).data_storage.name
        return self.admin.subscribe(account, self.consumer.events_url, container_prefixes=("",))

    def check(self) -> None:
        """Raise CommandFailed if a participant has ended by itself."""
        for process in self._processes.values():
            if not process.is_running:
                raise process.failed(f"{process.name} has ended by itself")

    def close(self) -> None:
        """Stop everything and remove the folder, unless it is to be kept; a second call does nothing."""
        for process in self._processes.values():
            process.terminate()
        self._exits.close()
        if not (self.keep_folder and self._processes):
            shutil.rmtree(self.folder, ignore_errors=True)

    def _open(self) -> None:
        watchdog = Watchdog(self.folder)
        self._exits.callback(watchdog.close)
        self._emulators = self._exits.enter_context(
            start_emulators(
                (CONSUMER, PROVIDER),
                https=self.options.keyless,
                oauth=self.options.keyless,
                relay=self.options.relay,
            )
        )
        if not self.options.keyless:
            for resources in self._emulators.participants.values():
                seed_account_keys(resources)
        self._start_processes(RunPlace(self.options.host, self.folder, watchdog))
        if self.options.subscribe:
            self.subscribe()

    def _start_processes(self, place: RunPlace) -> None:
        keys = {name: secrets.token_urlsafe(24) for name in (CONSUMER, PROVIDER)}
        data_plane_url = ""
        if self.options.remote_data_plane:
            # The provider must be told its address, which is certain only when it listens.
            self._add(DATA_PLANE, self._settings(PROVIDER, keys, host_id="provider-plane", roles="dataplane"), place)
            self.participant(DATA_PLANE).start()
            self._wait_until_ready()
            data_plane_url = f"{self.participant(DATA_PLANE).url}/api"
        roles = "consumer,provider" if self.options.remote_data_plane else "consumer,provider,dataplane"
        self._add(CONSUMER, self._settings(CONSUMER, keys, host_id=CONSUMER), place)
        self._add(
            PROVIDER,
            self._settings(PROVIDER, keys, host_id=PROVIDER, roles=roles, data_plane_url=data_plane_url),
            place,
        )
        for process, other in ((self.consumer, self.provider), (self.provider, self.consumer)):
            # Who a participant is follows from its address, which all of them have now.
            process.settings = replace(process.settings, partners=self._partners(), dashboards=(other.url,))
            process.start()
        self._wait_until_ready()

    def _settings(
        self, participant: str, keys: Mapping[str, str], *, host_id: str, roles: str = "", data_plane_url: str = ""
    ) -> ParticipantSettings:
        return ParticipantSettings(
            resources=self.resources(participant),
            host_id=host_id,
            api_key=keys[participant],
            roles=roles or "consumer,provider,dataplane",
            keyless=self.options.keyless,
            data_plane_url=data_plane_url,
            signed=self.options.signed,
        )

    def _partners(self) -> dict[str, str]:
        if not self.options.signed:
            return {}
        return {name: did_of(f"{self.participant(name).url}/api") for name in (CONSUMER, PROVIDER)}

    def _add(self, name: str, settings: ParticipantSettings, place: RunPlace) -> None:
        process = ParticipantProcess(name, settings, place=place, environment=self.options.environment.get(name, {}))
        self._processes[name] = process
        self._exits.callback(process.stop)

    def _wait_until_ready(self) -> None:
        """All of them, at the same time: each needs a second or two of the machine."""
        deadline = time.monotonic() + self.options.ready_seconds
        waiting = list(self._processes.values())
        while waiting:
            waiting = [process for process in waiting if not process.has_started()]
            if waiting and time.monotonic() > deadline:
                late = waiting[0]
                seconds = self.options.ready_seconds
                raise late.failed(f"{late.name} was not ready within {seconds:g} s: {late.readiness()}")
            time.sleep(0.05)

    def to_json(self) -> dict[str, object]:
        """How to reach everything: what `ferry up --json` prints. It contains this run's keys."""
        shown = {name: self._shown(name) for name in (CONSUMER, PROVIDER)}
        return {
            "participants": shown,
            "emulators": {"admin": self.admin.url, "admin_key": self.admin.key},
            "folder": str(self.folder),
        }

    def _shown(self, name: str) -> dict[str, object]:
        process, resources = self.participant(name), self.resources(name)
        account = resources.data_storage
        return {
            "participant_id": name,
            "management": process.management_url,
            "protocol": process.protocol_url,
            "api_key": process.api_key,
            "blob_endpoint": account.blob_endpoint,
            "account": account.name,
            "account_key": account.key,
            "vault": resources.vault_url,
            "certificate": str(resources.certificate_path),
            "pid": process.pid,
            "log": str(process.log_path),
        }

    def to_json_line(self) -> str:
        """The same on one line."""
        return json.dumps(self.to_json())
