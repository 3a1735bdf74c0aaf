"""Two participants in one process, on memory adapters and a virtual clock, driven step by step.

What the Functions host does is done here: a look that a function returns is put on the queue after the function, a
queue message is received, handled, acknowledged; the janitor's timer and the blob trigger fire when they are told to.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from urllib.parse import parse_qsl, urlsplit

from ferry.adapters.memory_queue import MemoryTaskQueue
from ferry.api.did_document import did_document
from ferry.api.dsp.routes import DspRoute, dsp_routes
from ferry.api.http import ApiAnswer, ApiRequest
from ferry.control_plane.consumer_decisions import TransferOrder
from ferry.control_plane.negotiation_decisions import ContractOrder
from ferry.data_plane.copying.options import EngineOptions
from ferry.domain.contracts import Asset, ContractDefinition, ContractNegotiation, Criterion, PolicyDefinition
from ferry.domain.data_address import DestinationAddress, SourceAddress
from ferry.domain.message_kind import Role
from ferry.domain.process import JsonObject
from ferry.domain.secret import Secret
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.peer import PeerAnswer
from ferry.ports.storage import Account
from ferry.ports.work import Lane, LookMessage
from ferry.services.compose import Core, compose
from ferry.services.dispatch import Dispatcher
from ferry.services.memory import MemoryWorld, memory_outside
from ferry.services.outside import Outside
from ferry.settings import Settings, read_settings

STARTED_AT = datetime(2026, 1, 1, tzinfo=UTC)


def settings_of(participant_id: str, **changes: str) -> Settings:
    """Settings of a participant whose storage accounts are at memory endpoints."""
    return read_settings(
        {
            "FERRY_PARTICIPANT_ID": participant_id,
            "FERRY_PUBLIC_URL": f"http://{participant_id}.test",
            "FERRY_VAULT_URL": "https://vault.test",
            "FERRY_API_KEY": "management",
            "FERRY_IDENTITY": "mock",
            "FERRY_DESTINATION_ACCOUNT": f"{participant_id}data",
            "FERRY_STORAGE_ACCOUNTS": json.dumps(
                # Both know both: a service that nobody knows is sent bytes, and reads nothing from a source itself.
                {name: {"endpoint": f"https://{name}.test"} for name in ("consumerdata", "providerdata")}
            ),
            "FERRY_JANITOR_SECONDS": "20",
            **changes,
        }
    )


@dataclass(slots=True)
class Participant:
    """One participant: its core, and the little of a host that it needs."""

    core: Core
    routes: Mapping[str, tuple[DspRoute, ...]]
    queue: MemoryTaskQueue
    requests: int = 0
    looks_sent: int = field(default=0)

    @property
    def dispatcher(self) -> Dispatcher:
        """Where queue messages, timers and blobs go."""
        return Dispatcher(self.core)

    def emit(self, looks: Iterable[LookMessage]) -> None:
        """The output binding: after the function has returned."""
        for look in looks:
            self.looks_sent += 1
            self.core.outside.queue.send(look, delay_seconds=0)

    def serve(self, method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        """Answer a peer's request."""
        self.requests += 1
        if url == f"{self.core.settings.public_url}/api/did.json":
            return self.answer(lambda _: did_document(self.core.outside.identity), ApiRequest(method, url), body)
        for base, routes in self.routes.items():
            if not url.startswith(base + "/"):
                continue
            for route in routes:
                pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path)
                parts = urlsplit(url.removeprefix(base + "/"))
                match = re.fullmatch(pattern, parts.path)
                if match and route.method == method:
                    told = ApiRequest(method, url, _lower(headers), query=dict(parse_qsl(parts.query)))
                    request = replace(told, route=match.groupdict())
                    return self.answer(partial(route.handle, self.core.dsp), request, body)
        return PeerAnswer(404)

    def answer(
        self, handle: Callable[[ApiRequest], ApiAnswer], request: ApiRequest, body: JsonObject | None
    ) -> PeerAnswer:
        """What an endpoint answers; what it emits leaves before the answer does."""
        answer = handle(replace(request, body=json.dumps(body).encode() if body is not None else b""))
        self.emit(answer.looks)
        return PeerAnswer(answer.status, answer.body if isinstance(answer.body, dict) else None, answer.headers)

    def work_once(self, lane: Lane | None = None) -> bool:
        """Handle one visible queue message (of that lane); False where there is none."""
        delivery = self.queue.receive(lane)
        if delivery is None:
            return False
        self.emit(self.dispatcher.look(delivery.message))
        self.queue.acknowledge(delivery)
        return True


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def participant(world: MemoryWorld, settings: Settings, outside: Outside | None = None) -> Participant:
    """A participant that answers on the world's network."""
    made = compose_participant(settings, outside or memory_outside(world, settings.participant_id, settings))
    world.network.attach(settings.public_url, made.serve)
    return made


def compose_participant(settings: Settings, outside: Outside) -> Participant:
    """A participant that nobody can reach yet."""
    core = compose(settings, outside)
    # Time is a test's to give: what fails is not tried again at once, on the clock of the machine.
    core.copies.engine.options = EngineOptions(tries=1, patience_seconds=0.0, settle_seconds=0.2)
    # The callback address lies below the DSP base, so it is tried first.
    routes = {settings.callback_url: dsp_routes(Role.CONSUMER), settings.dsp_url: dsp_routes(Role.PROVIDER)}
    return Participant(core, routes, memory_outside_queue(outside))


def memory_outside_queue(outside: Outside) -> MemoryTaskQueue:
    """The memory queue behind the port, also where a test has wrapped it."""
    queue = getattr(outside.queue, "inner", outside.queue)
    assert isinstance(queue, MemoryTaskQueue)
    return queue


@dataclass(slots=True)
class Pair:
    """A consumer and a provider with one asset, agreed on."""

    world: MemoryWorld
    consumer: Participant
    provider: Participant
    agreement_id: str = ""

    @property
    def both(self) -> tuple[Participant, Participant]:
        """Consumer and provider."""
        return self.consumer, self.provider

    def drain(self, *, limit: int = 1000) -> None:
        """Handle visible messages on both sides until there are none."""
        for _ in range(limit):
            if not any([side.work_once() for side in self.both]):
                return
        raise AssertionError("the queues do not come to rest")

    def run(self, *, seconds: float = 120.0, janitor_every: float = 20.0) -> None:
        """Let time pass: messages become visible, janitors come by."""
        until = self.world.clock.now().timestamp() + seconds
        while self.world.clock.now().timestamp() < until:
            self.drain()
            if all(self.is_quiet(side) for side in self.both):
                return
            self.world.clock.advance(min(janitor_every, 5.0))
            for side in self.both:
                side.emit(side.dispatcher.janitor_round())

    def is_quiet(self, side: Participant) -> bool:
        """Whether nothing is waiting on this side's queue."""
        return side.queue.next_visible_at() is None

    def order(self, **changes: object) -> TransferOrder:
        """A transfer of the agreed asset."""
        order = TransferOrder(
            counter_party_id="provider",
            counter_party_address=self.provider.core.settings.dsp_url,
            agreement_id=self.agreement_id,
            asset_id="",
            destination=DestinationAddress("consumerdata"),
        )
        return replace(order, **changes)

    def transfer(self, process_id: str) -> TransferProcess:
        """The consumer's process."""
        return self.consumer.core.transfers.get(process_id)


def make_pair(*, blobs: Mapping[str, bytes] | None = None, **settings: str) -> Pair:
    """Two participants, keys in their vaults, one asset, a negotiated agreement."""
    return pair_of(settings_of("consumer", **settings), settings_of("provider", **settings), blobs=blobs)


def pair_of(of_consumer: Settings, of_provider: Settings, *, blobs: Mapping[str, bytes] | None = None) -> Pair:
    """The same by settings of their own."""
    world = MemoryWorld()
    pair = Pair(world, participant(world, of_consumer), participant(world, of_provider))
    for name, side in zip(("consumer", "provider"), pair.both, strict=True):
        key = Secret(f"{name}-key")
        world.cloud.add_account(f"{name}data", endpoint=f"https://{name}data.test", key=key)
        side.core.outside.vault.store(f"{name}data", key)
    offer(pair, blobs if blobs is not None else {"data/one.txt": b"one"})
    pair.agreement_id = negotiate(pair)
    return pair


def offer(pair: Pair, blobs: Mapping[str, bytes]) -> None:
    """Put blobs into the provider's account and offer them all as asset-1."""
    outside = pair.provider.core.outside
    account = Account("providerdata", "https://providerdata.test", Secret("provider-key"))
    pair.world.cloud.add_container(account, "source")
    for name, content in blobs.items():
        pair.world.cloud.add_blob(account, "source", name, content)
    outside.assets.create("asset-1", Asset("asset-1", STARTED_AT, SourceAddress("providerdata", "source", None, "")))
    outside.policies.create("policy-1", PolicyDefinition("policy-1", STARTED_AT, {}))
    definition = ContractDefinition("cd-1", STARTED_AT, "policy-1", "policy-1", (Criterion("id", "=", "asset-1"),))
    outside.contract_definitions.create("cd-1", definition)


def negotiated(pair: Pair, *, purpose: str | None = None) -> ContractNegotiation:
    """The consumer's negotiation over asset-1, under what is offered, when nothing moves any more."""
    dataset = pair.provider.core.catalog.dataset("consumer", "asset-1")
    assert dataset is not None
    order = ContractOrder(
        counter_party_id="provider",
        counter_party_address=pair.provider.core.settings.dsp_url,
        offer_id=str(dataset.offers[0].id),
        asset_id="asset-1",
        policy=dataset.offers[0].policy,
        purpose=purpose,
    )
    handled = pair.consumer.core.negotiations.initiate(order, inline_seconds=1)
    pair.consumer.emit(handled.looks)
    pair.drain()
    return pair.consumer.core.negotiations.get(handled.process.id)


def negotiate(pair: Pair) -> str:
    """The id of a finalized agreement over asset-1."""
    negotiation = negotiated(pair)
    assert negotiation.agreement is not None, negotiation
    return negotiation.agreement.id
