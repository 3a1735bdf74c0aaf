"""Hosts that die and start again: the little of a Functions host that a participant needs, around one life of it."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from ferry.adapters.memory_store import MemoryProcessStore
from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.signaling import SignalingApi
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import JsonObject, Process
from ferry.ports.peer import PeerAnswer
from ferry.ports.stores import IndexRow, ProcessStore
from ferry.ports.work import LookMessage
from ferry.services.compose import Core
from ferry.services.memory import MemoryWorld
from ferry.services.outside import Outside
from ferry.settings import Settings
from tests.crash.points import Crash, CrashPlan, Life, guarded
from tests.world.participants import Participant, compose_participant

type Install = Callable[[Core], None]
type SignalingHandle = Callable[[SignalingApi, ApiRequest], ApiAnswer]

_SIGNALING: tuple[tuple[str, SignalingHandle], ...] = (
    (r".*/dataflows/start", SignalingApi.start),
    (r".*/dataflows/(?P<id>[^/]+)/status", SignalingApi.status),
    (r".*/dataflows/(?P<id>[^/]+)/suspend", SignalingApi.suspend),
    (r".*/dataflows/(?P<id>[^/]+)/resume", SignalingApi.resume),
    (r".*/dataflows/(?P<id>[^/]+)/terminate", SignalingApi.terminate),
    (r".*/control/transfers/(?P<id>[^/]+)/dataflow/completed", SignalingApi.completed),
    (r".*/control/transfers/(?P<id>[^/]+)/dataflow/errored", SignalingApi.errored),
)


@dataclass(slots=True)
class Host:
    """One process of an app. `outside` outlives it; `install` changes each new life of it (to seed a defect).

    Requests to URLs that end in one of `deaf_to` never reach it. `is_reachable`: whether peers are led to this process.
    """

    name: str
    world: MemoryWorld
    settings: Settings
    outside: Outside
    plan: CrashPlan
    install: Install | None = None
    is_up: bool = True
    deaf_to: tuple[str, ...] = ()
    is_reachable: bool = True
    life: Life = field(init=False)
    app: Participant = field(init=False)

    def __post_init__(self) -> None:
        self.boot()

    def boot(self) -> None:
        """A new life on the same stores."""
        self.life = Life(self.name, self.plan)
        self.app = compose_participant(self.settings, guarded(self.outside, self.life))
        if self.install is not None:
            self.install(self.app.core)
        if self.is_reachable:
            self.world.network.attach(self.settings.public_url, self.serve)

    def go_away(self) -> None:
        """Be gone for good: nothing of it ever runs again."""
        self.is_up = False
        self.life.is_over = True
        self.world.network.detach(self.settings.public_url)

    def attempt(self, action: Callable[[], object]) -> bool:
        """Run a function in this process; False where it failed, or where the process died of it and has begun anew."""
        try:
            action()
        except Crash as crash:
            self._buried(crash)
            return False
        except EffectFailed:
            return False
        return True

    def serve(self, method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        """Answer a request from the network; whoever sent it sees a broken connection where this process dies."""
        app = self.app
        if url.endswith(self.deaf_to):
            raise EffectFailed.because(FaultCode.PEER_UNREACHABLE, f"{url} is never reached", retryable=True)
        try:
            with self.life.answering():
                return self._signaling(app, ApiRequest(method, url, _lower(headers)), body) or app.serve(
                    method, url, headers, body
                )
        except Crash as crash:
            self._buried(crash)
            message = f"{self.name} closed the connection; trying again may help"
            raise EffectFailed.because(FaultCode.PEER_UNREACHABLE, message, retryable=True) from None

    def work_once(self) -> bool:
        """Handle one visible queue message; False where there is none."""
        delivery = self.app.queue.receive() if self.is_up else None
        if delivery is None:
            return False
        app, life = self.app, self.life

        def handle() -> None:
            app.emit(app.dispatcher.look(delivery.message))
            life.do("host.acknowledge", lambda: app.queue.acknowledge(delivery))

        self.attempt(handle)
        return True

    def tick(self) -> None:
        """The janitor's timer."""
        if self.is_up:
            app = self.app
            self.attempt(lambda: app.emit(app.dispatcher.janitor_round()))

    def notice(self, path: str, content: bytes) -> bool:
        """The blob trigger; False where it has to come again."""
        app = self.app
        return self.is_up and self.attempt(lambda: app.emit(app.dispatcher.blob_arrived(path, content)))

    def pending(self) -> Sequence[LookMessage]:
        """What waits on its queue."""
        return self.app.queue.pending()

    def _buried(self, crash: Crash) -> None:
        if crash.life is self.life and self.is_up:
            self.boot()

    def _signaling(self, app: Participant, request: ApiRequest, body: JsonObject | None) -> PeerAnswer | None:
        for pattern, handle in _SIGNALING:
            match = re.fullmatch(pattern, request.url)
            if match:
                return app.answer(partial(handle, app.core.signaling), replace(request, route=match.groupdict()), body)
        return None


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def documents[P: Process](store: ProcessStore[P]) -> Sequence[P]:
    """All documents of a store in memory."""
    assert isinstance(store, MemoryProcessStore)
    found = [store.load(process_id) for process_id in store.ids()]
    return [record.document for record in found if record is not None]


def every_document(host: Host) -> Sequence[Process]:
    """All processes of an app, whatever their type."""
    outside = host.outside
    mine = [*documents(outside.transfers), *documents(outside.negotiations), *documents(outside.flows)]
    return [*mine, *documents(outside.pages)]


def every_row(host: Host) -> Sequence[IndexRow]:
    """All index rows of an app."""
    stores: Sequence[object] = (host.outside.transfers, host.outside.negotiations, host.outside.flows)
    return [row for store in stores if isinstance(store, MemoryProcessStore) for row in store.index_rows()]
