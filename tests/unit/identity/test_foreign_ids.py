"""Every route of the protocol that names a process or an asset, asked by somebody whom it does not concern.

What belongs to another peer is answered as what is unknown is, byte for byte but for the ids that the question itself
holds. The cases are made from the table of endpoints, so a new route is asked, too.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from ferry.domain.contracts import Asset, ContractDefinition, Criterion, PolicyDefinition
from ferry.domain.data_address import SourceAddress
from ferry.domain.message_kind import Role
from ferry.protocol.identity import MockIdentity
from ferry.services import Endpoint, Surface, endpoints
from ferry.services.app import App, HttpAnswer
from tests.unit.api.dsp_client import message
from tests.world.participants import STARTED_AT, Pair, make_pair

UNKNOWN = "00000000-0000-4000-8000-000000000000"
STRANGER = "stranger"
TRANSFER = "11111111-1111-4111-8111-111111111111"
OFFER = {"@type": "Offer", "@id": "b2ZmZXI=:YXNzZXQ=:aWQ=", "target": "asset-1", "permission": [{"action": "use"}]}
AGREEMENT = {
    **OFFER,
    "@type": "Agreement",
    "@id": "agreement-x",
    "assigner": "provider",
    "assignee": "consumer",
    "timestamp": "2026-01-01T00:00:00Z",
}
# What is posted to a path, by its end; both pids are added.
MESSAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "/negotiations/{pid}/request": ("ContractRequestMessage", {"offer": OFFER}),
    "/negotiations/{pid}/offers": ("ContractOfferMessage", {"offer": OFFER}),
    "/negotiations/{pid}/events": ("ContractNegotiationEventMessage", {"eventType": "FINALIZED"}),
    "/negotiations/{pid}/agreement": ("ContractAgreementMessage", {"agreement": AGREEMENT}),
    "/negotiations/{pid}/agreement/verification": ("ContractAgreementVerificationMessage", {}),
    "/negotiations/{pid}/termination": ("ContractNegotiationTerminationMessage", {"code": "1", "reason": ["x"]}),
    "/transfers/{pid}/start": ("TransferStartMessage", {}),
    "/transfers/{pid}/completion": ("TransferCompletionMessage", {}),
    "/transfers/{pid}/suspension": ("TransferSuspensionMessage", {"code": "1", "reason": ["x"]}),
    "/transfers/{pid}/termination": ("TransferTerminationMessage", {"code": "1", "reason": ["x"]}),
    "/ferry/transfers/{pid}/address": ("TransferAddressRequest", {}),
}
# Whose processes a surface is about; the consumer's base has routes of both.
ROLES: dict[Surface, tuple[Role, ...]] = {
    Surface.PROVIDER_DSP: (Role.PROVIDER,),
    Surface.CONSUMER_DSP: (Role.CONSUMER,),
    Surface.SHARED_DSP: (Role.PROVIDER, Role.CONSUMER),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A route, and the role of the side that is asked."""

    route: Endpoint
    role: Role

    def __str__(self) -> str:
        return f"{self.role.value} {self.route.method} {self.route.route}"


CASES = [
    Case(route, role)
    for surface, roles in ROLES.items()
    for role in roles
    for route in endpoints(surface)
    if "{pid}" in route.route
]
OF_PROCESSES = [case for case in CASES if "/catalog/" not in case.route.route]
BELOW_CALLBACK = [case for case in OF_PROCESSES if "/consumer/" in case.route.route]


@dataclass(frozen=True, slots=True)
class Known:
    """A side, and the ids of its negotiation, its transfer and an asset that it shows to one peer alone."""

    app: App
    peer: str
    negotiation: str
    transfer: str
    asset: str

    def id_for(self, route: Endpoint) -> str:
        """What the route's parameter may name."""
        if "/catalog/" in route.route:
            return self.asset
        return self.negotiation if "/negotiations/" in route.route else self.transfer


@pytest.fixture(scope="module")
def pair() -> Pair:
    """Two participants, and an asset that only one of them may see. No case changes anything."""
    made = with_transfer()
    outside = made.provider.core.outside
    outside.assets.create("hidden", Asset("hidden", STARTED_AT, SourceAddress("providerdata", "source", None, "")))
    is_consumer = {"leftOperand": "participantId", "operator": "eq", "rightOperand": "consumer"}
    policy = {"permission": [{"action": "use", "constraint": [is_consumer]}]}
    outside.policies.create("hidden", PolicyDefinition("hidden", STARTED_AT, policy))
    selector = (Criterion("id", "=", "hidden"),)
    outside.contract_definitions.create(
        "hidden", ContractDefinition("hidden", STARTED_AT, "hidden", "hidden", selector)
    )
    return made


def known(pair: Pair, role: Role) -> Known:
    """The side that has this role in the pair's processes."""
    side, peer = (pair.provider, "consumer") if role is Role.PROVIDER else (pair.consumer, "provider")
    agreement = side.core.outside.agreements.get(pair.agreement_id)
    consumers = pair.transfer(TRANSFER)
    assert agreement is not None and consumers.correlation_id is not None
    transfer = TRANSFER if role is Role.CONSUMER else consumers.correlation_id
    return Known(App(side.core), peer, agreement.negotiation_id, transfer, "hidden")


def with_transfer() -> Pair:
    """A pair with a negotiation that is over and a transfer that the provider has just heard of."""
    made = make_pair()
    handled = made.consumer.core.transfers.initiate(made.order(process_id=TRANSFER), inline_seconds=1)
    made.consumer.emit(handled.looks)
    made.consumer.work_once()
    return made


def ask(asked: Known, case: Case, pid: str, caller: str | None) -> HttpAnswer:
    """Ask the route about that id, with a well-formed message where one is wanted."""
    route = case.route
    headers = {"authorization": MockIdentity(caller).authorization("x")} if caller else {}
    return asked.app.http(
        route.name,
        method=route.method,
        url=route.route.replace("{pid}", pid),
        headers=headers,
        route={"pid": pid},
        query={},
        body=told(case, pid) if route.method == "POST" else b"",
    )


def told(case: Case, pid: str) -> bytes:
    """A message about that process of the side that is asked."""
    kind, fields = next(it for end, it in MESSAGES.items() if case.route.route.endswith(end))
    is_consumers = case.role is Role.CONSUMER
    if kind == "ContractNegotiationEventMessage" and not is_consumers:
        fields = {"eventType": "ACCEPTED"}
    pids = {"consumerPid": pid if is_consumers else "theirs", "providerPid": "theirs" if is_consumers else pid}
    return json.dumps(message(kind, **{"@id": "urn:uuid:message-1"}, **pids, **fields)).encode()


def without_id(answer: HttpAnswer, pid: str) -> tuple[int, bytes, dict[str, str]]:
    """The whole answer, with the id that the question held taken out."""
    return answer.status, answer.body.replace(pid.encode(), b"ID"), dict(answer.headers)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_anothers_is_answered_as_what_is_unknown(pair: Pair, case: Case) -> None:
    asked = known(pair, case.role)
    foreign = asked.id_for(case.route)
    answer = ask(asked, case, foreign, STRANGER)
    assert answer.status == 404
    assert without_id(answer, foreign) == without_id(ask(asked, case, UNKNOWN, STRANGER), UNKNOWN)
    assert answer.emitted == {}


@pytest.mark.parametrize("case", OF_PROCESSES, ids=str)
def test_process_of_the_other_kind_is_unknown(pair: Pair, case: Case) -> None:
    """A transfer's id below /negotiations, and the other way round, asked by the peer whose processes they are."""
    asked = known(pair, case.role)
    other = asked.transfer if "/negotiations/" in case.route.route else asked.negotiation
    answer = ask(asked, case, other, asked.peer)
    assert answer.status == 404
    assert without_id(answer, other) == without_id(ask(asked, case, UNKNOWN, asked.peer), UNKNOWN)


@pytest.mark.parametrize("case", BELOW_CALLBACK, ids=str)
def test_providers_process_is_unknown_below_the_consumers_address(pair: Pair, case: Case) -> None:
    provider = known(pair, Role.PROVIDER)
    pid = provider.id_for(case.route)
    answer = ask(provider, case, pid, provider.peer)
    assert answer.status == 404
    assert without_id(answer, pid) == without_id(ask(provider, case, UNKNOWN, provider.peer), UNKNOWN)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_whoever_shows_no_identity_learns_nothing_about_any_id(pair: Pair, case: Case) -> None:
    asked = known(pair, case.role)
    pid = asked.id_for(case.route)
    answer = ask(asked, case, pid, None)
    assert answer.status == 401
    assert without_id(answer, pid) == without_id(ask(asked, case, UNKNOWN, None), UNKNOWN)


def test_the_peer_itself_is_answered() -> None:
    """On a pair of its own, for its messages have effects."""
    pair = with_transfer()
    for case in OF_PROCESSES:
        asked = known(pair, case.role)
        answer = ask(asked, case, asked.id_for(case.route), asked.peer)
        assert answer.status in ((200,) if case.route.method == "GET" else (200, 400, 409)), (case, answer)


def test_every_message_has_a_route_and_every_route_a_message() -> None:
    posted = {case.route.route for case in CASES if case.route.method == "POST"}
    assert all(any(route.endswith(end) for end in MESSAGES) for route in posted)
    assert all(any(route.endswith(end) for route in posted) for end in MESSAGES)


def test_every_route_of_the_protocol_is_of_a_surface_that_is_asked() -> None:
    found = [route for surface in Surface for route in endpoints(surface) if route.route.startswith("dsp/2025-1/")]
    assert {route.surface for route in found} == set(ROLES)
