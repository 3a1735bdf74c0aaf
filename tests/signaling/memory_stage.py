"""A data plane of Ferry's in this process, on memory adapters and a virtual clock: for demands that are to fail."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from ferry.adapters.memory_cloud import MemoryRequest, SasRefused
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import JsonObject
from ferry.domain.secret import Secret
from ferry.ports.peer import PeerAnswer
from ferry.ports.storage import Account
from ferry.services import Surface
from ferry.services.memory import MemoryWorld, memory_outside
from tests.signaling.control_demands import API_KEY
from tests.signaling.counterpart import Counterpart, Json
from tests.signaling.plane_demands import PARTICIPANT, Answer
from tests.signaling.seed import seed_agreements, seed_definitions
from tests.unit.services.app_host import AppHost, app_host
from tests.world.participants import settings_of

_URL = "http://counterpart.test"
_PATIENCE_STEPS = 60
_SURFACES = (
    Surface.CONSUMER_DSP,
    Surface.PROVIDER_DSP,
    Surface.SHARED_DSP,
    Surface.CONSUMER_MANAGEMENT,
    Surface.PROVIDER_MANAGEMENT,
    Surface.SHARED_MANAGEMENT,
    Surface.CONTROL,
)


@dataclass(slots=True)
class MemoryApp:
    """An app of Ferry's in this process, with its counterpart on the same network."""

    host: AppHost
    world: MemoryWorld
    counterpart: Counterpart

    def call(self, method: str, path: str, body: Json | None, headers: Mapping[str, str]) -> Answer:
        """A request to the app."""
        raw = b"" if body is None else json.dumps(body).encode()
        return self.request(method, path.removeprefix("/"), raw, headers)

    def until(self, look: Callable[[], bool]) -> bool:
        """Let the queues run and time pass."""
        for _ in range(_PATIENCE_STEPS):
            self._drain()
            if look():
                return True
            self.world.clock.advance(1.0)
            self.host.emit(self.host.app.timer())
        return look()

    def request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """A request with any body."""
        lower = {name.lower(): value for name, value in headers.items()}
        answer = self.host.request(method, path, body, lower)
        if answer is None:
            return Answer(404, {})
        return Answer(answer.status, json_object(answer.body), answer.headers, answer.body)

    def _drain(self) -> None:
        for _ in range(200):
            if not self.host.work_once():
                return


@dataclass(slots=True)
class MemoryPlane(MemoryApp):
    """PlaneStage in memory."""

    account: str = "consumerdata"
    held: str = ""
    owner: Account = field(default_factory=lambda: Account("consumerdata", "https://consumerdata.test"))

    def ask(self, method: str, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """A request to the app or to storage."""
        base = f"{self.host.app.core.settings.public_url}/api/"
        if url.startswith(base):
            return self.request(method, url.removeprefix(base), content, headers)
        return self._storage(method, url, content)

    def put(self, container: str, name: str, content: bytes) -> None:
        """A blob of ours."""
        self.world.cloud.add_container(self.owner, container)
        self.world.cloud.add_blob(self.owner, container, name, content)

    def blobs(self, container: str) -> dict[str, bytes]:
        """What lies there."""
        found = self.world.cloud.containers().get((self.account, container))
        return {name: blob.content for name, blob in found.blobs.items()} if found else {}

    def hold_writes(self, container: str) -> None:
        """Refuse writes for now."""
        self.held = container

    def release(self) -> None:
        """Refuse none."""
        self.held = ""

    def refused(self, request: MemoryRequest) -> None:
        """The cloud's hook: 503 for what is held."""
        writes = request.operation.startswith(("Put", "Copy"))
        if self.held and writes and request.container == self.held:
            raise EffectFailed.because(FaultCode.DESTINATION_UNAVAILABLE, "busy", retryable=True)

    def _storage(self, method: str, url: str, content: bytes) -> Answer:
        try:
            if method == "GET":
                blob = self.world.cloud.blob_by_url(Secret(url))
                return Answer(404, {}) if blob is None else Answer(200, {}, content=blob.content)
            address, _, sas = url.partition("?")
            container, _, name = address.removeprefix(f"{self.owner.endpoint}/").partition("/")
            self.world.cloud.container_by_sas(self.owner.endpoint, container, name, sas=Secret(sas), letters="cw")
        except SasRefused:
            return Answer(403, {})
        return Answer(201, {}, content=content)


def memory_plane(**settings: str) -> MemoryPlane:
    """A data plane alone."""
    world, counterpart = _world()
    chosen = settings_of(PARTICIPANT, **{"FERRY_ROLES": "dataplane", "FERRY_SIGNALING_ACCESS": "open", **settings})
    host = app_host(world, chosen, Surface.DATA_PLANE, outside=memory_outside(world, PARTICIPANT))
    made = MemoryPlane(host, world, counterpart)
    key = Secret("consumer-key")
    made.owner = world.cloud.add_account("consumerdata", endpoint="https://consumerdata.test", key=key)
    host.outside.vault.store("consumerdata", key)
    world.cloud.before_request = made.refused
    return made


def memory_control(**settings: str) -> MemoryApp:
    """A participant whose data plane is the counterpart."""
    world, counterpart = _world()
    chosen = settings_of(PARTICIPANT, FERRY_SIGNALING_ACCESS="open", FERRY_API_KEY=API_KEY, **settings)
    made = MemoryApp(
        app_host(world, chosen, *_SURFACES, outside=memory_outside(world, PARTICIPANT)), world, counterpart
    )
    seed_definitions(made)
    seed_agreements(made.host.outside)
    return made


def _world() -> tuple[MemoryWorld, Counterpart]:
    world = MemoryWorld()
    counterpart = Counterpart(_URL, now=lambda: world.clock.now().timestamp())

    def answer(method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        del headers
        path = "/" + url.split("//")[1].partition("/")[2]
        said = counterpart.answer(method, path, dict(body or {}))
        return PeerAnswer(said.status, said.body)

    for prefix in (_URL, _URL.replace("http:", "https:")):
        world.network.attach(prefix, answer)
    return world, counterpart


def json_object(content: bytes) -> Json:
    """The JSON object in an answer; empty where there is none."""
    try:
        found: object = json.loads(content)
    except ValueError:
        return {}
    return cast("Json", found) if isinstance(found, dict) else {}
