"""Negotiations between two participants: to an agreement on both sides, or to a refusal with its cause on both."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ferry.control_plane.negotiation_decisions import ContractOrder
from ferry.domain.contracts import ContractNegotiation, PolicyDefinition
from ferry.domain.decision import Command, CommandKind
from ferry.domain.faults import AlreadyExists, FaultCode, NotFound
from ferry.domain.message_kind import Role
from ferry.domain.offers import OfferId
from ferry.domain.process import JsonObject
from ferry.domain.states import NegotiationState
from ferry.ports.peer import PeerAnswer
from tests.unit.control_plane.agreed import agreed_pair
from tests.unit.control_plane.processes import USE
from tests.world.participants import STARTED_AT, Pair

FRIENDS: JsonObject = {
    "permission": [
        {"action": "use", "constraint": [{"leftOperand": "participantId", "operator": "eq", "rightOperand": "friend"}]}
    ]
}
OFFER_ID = str(OfferId("cd-1", "asset-1", "x"))


@pytest.fixture
def pair() -> Pair:
    return agreed_pair()


def order(pair: Pair, **changes: object) -> ContractOrder:
    wish = ContractOrder(
        process_id="negotiation-1",
        counter_party_id="provider",
        counter_party_address=pair.provider.core.settings.dsp_url,
        offer_id=OFFER_ID,
        asset_id="asset-1",
        policy=USE,
        request_digest="order",
    )
    return replace(wish, **changes)


def negotiated(pair: Pair, **changes: object) -> tuple[ContractNegotiation, ContractNegotiation]:
    """How it ended, on the consumer's side and on the provider's."""
    handled = pair.consumer.core.negotiations.initiate(order(pair, **changes), inline_seconds=1)
    pair.consumer.emit(handled.looks)
    pair.run()
    ours = pair.consumer.core.negotiations.get(handled.process.id)
    return ours, pair.provider.core.negotiations.get(ours.correlation_id or "")


def codes(*sides: ContractNegotiation) -> list[str]:
    return [side.error.code if side.error else "" for side in sides]


def test_offer_of_ours_leads_to_the_same_agreement_on_both_sides(pair: Pair) -> None:
    ours, theirs = negotiated(pair)
    assert [side.state for side in (ours, theirs)] == [NegotiationState.FINALIZED] * 2
    assert ours.agreement is not None and theirs.agreement is not None
    assert ours.agreement.id == theirs.agreement.id
    consumers = pair.consumer.core.outside.agreements.get(ours.agreement.id)
    providers = pair.provider.core.outside.agreements.get(ours.agreement.id)
    assert consumers is not None and providers is not None
    assert (consumers.role, providers.role) == (Role.CONSUMER, Role.PROVIDER)
    for agreement in (consumers, providers):
        assert (agreement.provider_id, agreement.consumer_id, agreement.asset_id) == ("provider", "consumer", "asset-1")


def test_participants_know_each_other_by_both_ids(pair: Pair) -> None:
    ours, theirs = negotiated(pair)
    assert (ours.consumer_pid, ours.provider_pid) == (theirs.consumer_pid, theirs.provider_pid)
    assert ours.consumer_pid == ours.id and theirs.provider_pid == theirs.id


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"offer_id": str(OfferId("gone", "asset-1", "x"))}, FaultCode.OFFER_UNKNOWN),
        ({"offer_id": "nonsense"}, FaultCode.OFFER_UNKNOWN),
        ({"asset_id": "asset-2"}, FaultCode.OFFER_UNKNOWN),
        ({"policy": {"permission": [{"action": "transfer"}]}}, FaultCode.POLICY_VIOLATED),
        ({"policy": FRIENDS}, FaultCode.POLICY_VIOLATED),
    ],
)
def test_refused_offer_ends_both_sides_with_the_same_cause(
    pair: Pair, changes: dict[str, object], code: FaultCode
) -> None:
    sides = negotiated(pair, **changes)
    assert [side.state for side in sides] == [NegotiationState.TERMINATED] * 2
    assert codes(*sides) == [code, code]
    assert all(side.agreement is None and side.is_settled for side in sides)


def test_policy_that_the_consumer_does_not_fulfil_ends_both_sides(pair: Pair) -> None:
    outside = pair.provider.core.outside
    outside.policies.create("any", PolicyDefinition("any", STARTED_AT, {}))
    outside.policies.update("policy-1", PolicyDefinition("policy-1", STARTED_AT, FRIENDS))
    definition = outside.contract_definitions.get("cd-1")
    assert definition is not None
    outside.contract_definitions.update("cd-1", replace(definition, access_policy_id="any"))
    sides = negotiated(pair, policy=FRIENDS)
    assert codes(*sides) == [FaultCode.POLICY_VIOLATED] * 2
    assert sides[0].error is not None and "the contract policy refuses" in sides[0].error.message


def test_offer_that_is_hidden_is_unknown(pair: Pair) -> None:
    outside = pair.provider.core.outside
    outside.policies.update("policy-1", PolicyDefinition("policy-1", STARTED_AT, FRIENDS))
    assert codes(*negotiated(pair, policy=FRIENDS)) == [FaultCode.OFFER_UNKNOWN] * 2


@pytest.mark.parametrize("side", ["consumer", "provider"])
def test_termination_by_a_client_ends_both_sides(pair: Pair, side: str) -> None:
    pair.consumer.core.negotiations.initiate(order(pair), inline_seconds=1)
    ours = pair.consumer.core.negotiations.get("negotiation-1")
    ender = pair.consumer if side == "consumer" else pair.provider
    process_id = ours.id if side == "consumer" else ours.correlation_id
    assert process_id is not None
    command = Command(CommandKind.TERMINATE, "changed our mind")
    ender.emit(ender.core.negotiations.command(process_id, command, inline_seconds=0).looks)
    pair.run()
    sides = pair.consumer.core.negotiations.get("negotiation-1"), pair.provider.core.negotiations.get(ours.provider_pid)
    assert codes(*sides) == [FaultCode.TERMINATED_BY_CLIENT] * 2
    assert [side.error.message for side in sides if side.error] == ["changed our mind"] * 2


def test_provider_that_is_away_ends_the_negotiation_at_its_deadline() -> None:
    pair = agreed_pair(FERRY_DEADLINES='{"REQUESTING": 30}')
    pair.world.network.detach("http://provider.test")
    pair.consumer.core.negotiations.initiate(order(pair), inline_seconds=1)
    pair.run(seconds=60)
    ended = pair.consumer.core.negotiations.get("negotiation-1")
    assert ended.state is NegotiationState.TERMINATED
    assert ended.error is not None
    assert (ended.error.code, ended.error.retryable) == (FaultCode.PEER_UNREACHABLE, True)


def test_same_order_again_is_answered_like_the_first(pair: Pair) -> None:
    first = pair.consumer.core.negotiations.initiate(order(pair), inline_seconds=1)
    sent = len(pair.world.network.exchanges)
    again = pair.consumer.core.negotiations.initiate(order(pair), inline_seconds=1)
    assert again.process == first.process
    assert len(pair.world.network.exchanges) == sent


@pytest.mark.parametrize("digest", ["another", ""])
def test_other_order_under_the_same_id_is_refused(pair: Pair, digest: str) -> None:
    pair.consumer.core.negotiations.initiate(order(pair), inline_seconds=0)
    with pytest.raises(AlreadyExists):
        pair.consumer.core.negotiations.initiate(order(pair, request_digest=digest), inline_seconds=0)


def test_negotiation_is_not_found_for_another_peer_or_role(pair: Pair) -> None:
    ours, theirs = negotiated(pair)
    service = pair.provider.core.negotiations
    assert service.get(theirs.id, role=Role.PROVIDER, peer_id="consumer") == theirs
    for role, peer in ((Role.CONSUMER, "consumer"), (Role.PROVIDER, "somebody")):
        with pytest.raises(NotFound):
            service.get(theirs.id, role=role, peer_id=peer)
    with pytest.raises(NotFound):
        service.get(ours.id)


def test_news_of_a_negotiation_that_has_left_is_nothing(pair: Pair) -> None:
    service = pair.consumer.core.negotiations
    assert service.look("gone", 3) is None
    service.poisoned("gone", "{}")


def test_poisoned_message_is_noted_with_the_process(pair: Pair) -> None:
    ours, _ = negotiated(pair)
    pair.consumer.core.negotiations.poisoned(ours.id, "x" * 500)
    assert pair.consumer.core.negotiations.get(ours.id).poisoned == 1


def test_agreement_id_that_is_taken_by_another_agreement_ends_the_negotiation(pair: Pair) -> None:
    taken = pair.agreement_id
    serve = pair.consumer.serve

    def swapped(method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        agreement = body.get("agreement") if body else None
        if isinstance(agreement, dict) and body is not None:
            body = {**body, "agreement": {**agreement, "@id": taken}}
        return serve(method, url, headers, body)

    pair.world.network.attach("http://consumer.test", swapped)
    before = pair.consumer.core.outside.agreements.get(taken)
    handled = pair.consumer.core.negotiations.initiate(order(pair), inline_seconds=1)
    pair.consumer.emit(handled.looks)
    pair.run()
    ours = pair.consumer.core.negotiations.get(handled.process.id)
    assert ours.state is NegotiationState.TERMINATED
    assert ours.error is not None and ours.error.code == FaultCode.PEER_REFUSED
    assert ours.is_settled
    assert pair.consumer.core.outside.agreements.get(taken) == before
