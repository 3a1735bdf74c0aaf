"""Data planes and control planes of Ferry's as processes of their own, over HTTP, on the emulators."""

# The SDK leaves keyword arguments without types.
# pyright: reportUnknownMemberType=false

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

from ferry.cli.environment import ParticipantSettings, merged
from ferry.cli.hosts import HostKind
from ferry.cli.launching import start_emulators
from ferry.cli.participants import ParticipantProcess, RunPlace
from ferry.cli.watchdog import Watchdog
from ferry.emulators.admin_client import AdminClient
from ferry.emulators.launch import LaunchedEmulators
from ferry.emulators.loopback_server import LoopbackServer, Request, Response
from ferry.emulators.relay_faults import RelayFault
from ferry.emulators.resources import ParticipantResources
from ferry.emulators.vault_access import seed_account_keys
from ferry.services.azure import azure_outside
from ferry.settings import read_settings
from tests.signaling.control_demands import API_KEY
from tests.signaling.counterpart import Counterpart, Json
from tests.signaling.memory_stage import json_object
from tests.signaling.plane_demands import PARTICIPANT, Answer
from tests.signaling.seed import seed_agreements, seed_definitions

PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.05
_TIMEOUT_SECONDS = 20.0
# As the specification's own kit does it: neither control planes nor data planes show who they are.
_OPEN = {"FERRY_SIGNALING_ACCESS": "open"}


def _client() -> httpx2.Client:
    return httpx2.Client(timeout=_TIMEOUT_SECONDS, trust_env=False)


@dataclass(slots=True)
class HttpApp:
    """An app of Ferry's behind its port, with its counterpart beside it."""

    url: str
    counterpart: Counterpart
    client: httpx2.Client = field(default_factory=_client, init=False)

    def call(self, method: str, path: str, body: Json | None, headers: Mapping[str, str]) -> Answer:
        """A request below the app's base."""
        return _answer(self.client.request(method, f"{self.url}/api{path}", json=body, headers=dict(headers)))

    def until(self, look: Callable[[], bool]) -> bool:
        """Look again and again."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (is_so := look()) and time.monotonic() < deadline:
            time.sleep(_PAUSE_SECONDS)
        return is_so


@dataclass(slots=True)
class HttpPlane(HttpApp):
    """PlaneStage over HTTP."""

    account: str
    admin: AdminClient
    storage: BlobServiceClient

    def ask(self, method: str, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """A request to an address."""
        return _answer(self.client.request(method, url, content=content or None, headers=dict(headers)))

    def put(self, container: str, name: str, content: bytes) -> None:
        """A blob of ours."""
        with suppress(ResourceExistsError):
            self.storage.create_container(container)
        self.storage.get_blob_client(container, name).upload_blob(content)

    def blobs(self, container: str) -> dict[str, bytes]:
        """What lies there."""
        client = self.storage.get_container_client(container)
        try:
            return {name: client.download_blob(name).readall() for name in client.list_blob_names()}
        except ResourceNotFoundError:
            return {}

    def hold_writes(self, container: str) -> None:
        """Refuse writes for now: whoever copies tries again."""
        fault = RelayFault("status", service="blob", method="PUT", path_contains=f"/{container}/")
        self.admin.plan_relay_faults(fault)

    def release(self) -> None:
        """Refuse none."""
        self.admin.clear_relay_faults()


def open_counterpart(exits: ExitStack) -> Counterpart:
    """A counterpart that answers over HTTP until the exits are closed."""
    counterpart = Counterpart()

    def answer(request: Request) -> Response:
        try:
            body = request.json()
        except ValueError:
            return Response(400)
        said = counterpart.answer(request.method, request.path, body)
        return Response(said.status, said.body, said.headers)

    server = LoopbackServer(answer)
    exits.callback(server.close)
    counterpart.url = server.url
    return counterpart


def open_emulators(exits: ExitStack) -> LaunchedEmulators:
    """Storage and vault for one participant, with a relay that can refuse writes."""
    emulators = exits.enter_context(start_emulators((PARTICIPANT,), https=False, oauth=False, relay=True))
    seed_account_keys(emulators.participants[PARTICIPANT])
    return emulators


def open_participant(
    exits: ExitStack, resources: ParticipantResources, place: RunPlace, **environment: str
) -> ParticipantProcess:
    """A host of that participant; `environment` goes above its settings. Ready when this returns."""
    roles = environment.pop("FERRY_ROLES")
    settings = ParticipantSettings(roles=roles, resources=resources, host_id=PARTICIPANT, api_key=API_KEY)
    process = ParticipantProcess(PARTICIPANT, settings, place=place, environment=environment)
    exits.callback(process.stop)
    process.start()
    process.wait_until_ready()
    return process


def open_plane(exits: ExitStack, folder: Path) -> HttpPlane:
    """A data plane alone, as an app of its own. Raises CommandFailed."""
    emulators = open_emulators(exits)
    resources = emulators.participants[PARTICIPANT]
    process = open_participant(exits, resources, _place(exits, folder), FERRY_ROLES="dataplane", **_OPEN)
    storage = BlobServiceClient.from_connection_string(resources.data_storage.connection_string)
    exits.callback(storage.close)
    counterpart = open_counterpart(exits)
    plane = HttpPlane(process.url, counterpart, resources.data_storage.name, emulators.admin, storage)
    exits.callback(plane.client.close)
    return plane


def open_control(exits: ExitStack, folder: Path) -> HttpApp:
    """A participant whose data plane is the counterpart. Raises CommandFailed."""
    resources = open_emulators(exits).participants[PARTICIPANT]
    process = open_participant(exits, resources, _place(exits, folder), FERRY_ROLES="consumer,provider", **_OPEN)
    stage = HttpApp(process.url, open_counterpart(exits))
    exits.callback(stage.client.close)
    seed_definitions(stage)
    environment = merged(process.settings.environment(process.url), _OPEN)
    seed_agreements(azure_outside(read_settings(environment), environment))
    return stage


def _place(exits: ExitStack, folder: Path) -> RunPlace:
    watchdog = Watchdog(folder)
    exits.callback(watchdog.close)
    return RunPlace(HostKind.DEVHOST, folder, watchdog)


def _answer(response: httpx2.Response) -> Answer:
    return Answer(response.status_code, json_object(response.content), dict(response.headers), response.content)
