"""Negotiations told by two clients of the management API: what each orders, and what both sides come to."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from ferry.domain.contracts import ContractNegotiation
from ferry.domain.faults import FaultCode
from ferry.domain.offers import OfferId
from ferry.domain.policy import normal_rules
from ferry.domain.states import NegotiationState
from ferry.protocol.messages import parse
from tests.unit.api.client import Client, body_of, client_of, counter_party, faults_in
from tests.unit.control_plane.agreed import agreed_pair
from tests.unit.protocol.strict import assert_strict
from tests.world.participants import Pair

OFFER_ID = str(OfferId("cd-1", "asset-1", "x"))
USE: dict[str, Any] = {"@type": "Offer", "permission": [{"action": "use"}]}
READ: dict[str, Any] = {"@type": "Offer", "permission": [{"action": "read"}]}


@dataclass(slots=True)
class Table:
    """A consumer and a provider with one negotiation between them."""

    pair: Pair
    consumer: Client
    provider: Client
    consumer_pid: str = ""
    provider_pid: str = ""

    def request(self, policy: dict[str, Any] = USE, offer_id: str = OFFER_ID) -> None:
        """The consumer asks for the catalog's offer."""
        asked = {**policy, "@id": offer_id, "target": "asset-1", "assigner": "provider"}
        body = {**counter_party(self.pair), "@type": "ContractRequest", "policy": asked}
        self.consumer_pid = body_of(self.consumer.post("contractnegotiations", body))["@id"]
        self.rest()
        self.provider_pid = self.ours.correlation_id or ""

    def offer(self, policy: dict[str, Any]) -> None:
        """The provider offers without being asked."""
        offered = {**policy, "target": "asset-1", "assignee": "consumer"}
        address = self.pair.consumer.core.settings.dsp_url
        body = {**counter_party(self.pair), "counterPartyAddress": address, "policy": offered}
        self.provider_pid = body_of(self.provider.post("contractnegotiations/offers", body))["@id"]
        self.rest()
        self.consumer_pid = self.theirs.correlation_id or ""

    def consumer_orders(self, order: str, policy: dict[str, Any] | None = None) -> tuple[str, str]:
        """The consumer's client takes a step; the states of both sides once all is quiet."""
        return self._order(self.consumer, self.consumer_pid, order, policy)

    def provider_orders(self, order: str, policy: dict[str, Any] | None = None) -> tuple[str, str]:
        """The provider's client takes a step."""
        return self._order(self.provider, self.provider_pid, order, policy)

    def _order(self, client: Client, pid: str, order: str, policy: dict[str, Any] | None) -> tuple[str, str]:
        body = None if policy is None else {"policy": policy}
        answer = client.post(f"contractnegotiations/{pid}/{order}", body)
        assert answer.status == 204, answer.body
        self.rest()
        return self.states

    def rest(self) -> None:
        """Let both sides do what is due."""
        self.pair.drain()

    @property
    def ours(self) -> ContractNegotiation:
        """The consumer's negotiation."""
        return self.pair.consumer.core.negotiations.get(self.consumer_pid)

    @property
    def theirs(self) -> ContractNegotiation:
        """The provider's."""
        return self.pair.provider.core.negotiations.get(self.provider_pid)

    @property
    def states(self) -> tuple[str, str]:
        """The consumer's state and the provider's."""
        return self.ours.state_name, self.theirs.state_name

    def agreed_rules(self) -> list[Any]:
        """What each side keeps as agreed on."""
        agreement_id = self.ours.agreement.id if self.ours.agreement else ""
        kept = [side.core.outside.agreements.get(agreement_id) for side in self.pair.both]
        return [normal_rules(agreement.policy)["permission"] if agreement else None for agreement in kept]


def table(**settings: str) -> Table:
    pair = agreed_pair(**settings)
    return Table(pair, client_of(pair.consumer), client_of(pair.provider))


@pytest.fixture
def manual() -> Table:
    return table(FERRY_NEGOTIATION="manual")


def codes(it: Table) -> list[str]:
    return [side.error.code if side.error else "" for side in (it.ours, it.theirs)]


# --- every step by order ------------------------------------------------------------------------------------------


def test_request_comes_to_an_agreement_step_by_step(manual: Table) -> None:
    manual.request()
    assert manual.states == ("REQUESTED", "REQUESTED")
    assert manual.provider_orders("agree") == ("AGREED", "AGREED")
    assert manual.agreed_rules() == [None, None]
    assert manual.consumer_orders("verify") == ("VERIFIED", "VERIFIED")
    assert manual.provider_orders("finalize") == ("FINALIZED", "FINALIZED")
    assert manual.agreed_rules() == [[{"action": "use"}]] * 2


def test_offers_go_to_and_fro_until_both_agree(manual: Table) -> None:
    manual.request()
    assert manual.provider_orders("offer", READ) == ("OFFERED", "OFFERED")
    assert manual.ours.counter_offer is not None
    transfer = {"@type": "Offer", "permission": [{"action": "transfer"}]}
    assert manual.consumer_orders("request", transfer) == ("REQUESTED", "REQUESTED")
    assert manual.theirs.counter_offer is not None
    assert manual.provider_orders("offer", {**READ, "@id": "offer-3"}) == ("OFFERED", "OFFERED")
    assert manual.consumer_orders("accept") == ("ACCEPTED", "ACCEPTED")
    assert manual.provider_orders("agree") == ("AGREED", "AGREED")
    assert manual.consumer_orders("verify") == ("VERIFIED", "VERIFIED")
    assert manual.provider_orders("finalize") == ("FINALIZED", "FINALIZED")
    assert (manual.ours.offer_id, manual.theirs.offer_id) == ("offer-3", "offer-3")
    assert manual.agreed_rules() == [[{"action": "read"}]] * 2
    said = [it.body["@type"] for it in manual.pair.world.network.exchanges if it.body]
    assert said == [
        "ContractRequestMessage",
        "ContractOfferMessage",
        "ContractRequestMessage",
        "ContractOfferMessage",
        "ContractNegotiationEventMessage",
        "ContractAgreementMessage",
        "ContractAgreementVerificationMessage",
        "ContractNegotiationEventMessage",
    ]
    for exchange in manual.pair.world.network.exchanges:
        assert exchange.body is not None and exchange.answer is not None and exchange.answer.body is not None
        assert parse(exchange.body).kind.value.startswith(str(exchange.body["@type"]))
        assert_strict(exchange.body)
        assert_strict(exchange.answer.body)


def test_provider_may_agree_to_what_the_consumer_asks_for_in_place_of_its_offer(manual: Table) -> None:
    manual.request()
    manual.provider_orders("offer")
    manual.consumer_orders("request", READ)
    assert manual.provider_orders("agree") == ("AGREED", "AGREED")
    manual.consumer_orders("verify")
    assert manual.provider_orders("finalize") == ("FINALIZED", "FINALIZED")
    assert manual.agreed_rules() == [[{"action": "read"}]] * 2


def test_request_on_other_terms_than_the_catalogs_waits_for_the_provider(manual: Table) -> None:
    manual.request(READ)
    assert manual.states == ("REQUESTED", "REQUESTED")
    shown = body_of(manual.provider.get(f"contractnegotiations/{manual.provider_pid}"))
    assert shown["offer"]["odrl:permission"] == []
    assert shown["counterOffer"]["odrl:permission"][0]["odrl:action"] == {"@id": "odrl:read"}
    assert shown["counterOffer"]["@id"] == OFFER_ID
    assert manual.provider_orders("agree") == ("AGREED", "AGREED")
    assert manual.ours.agreement is not None and manual.ours.agreement.policy["permission"] == [{"action": "read"}]


def test_request_for_what_the_consumer_may_not_have_is_refused_without_asking_anybody(manual: Table) -> None:
    manual.request(offer_id="nonsense")
    assert manual.states == ("TERMINATED", "TERMINATED")
    assert codes(manual) == [FaultCode.OFFER_UNKNOWN] * 2


STEPS: list[tuple[list[tuple[str, str]], tuple[str, str]]] = [
    ([], ("REQUESTED", "REQUESTED")),
    ([("provider", "offer")], ("OFFERED", "OFFERED")),
    ([("provider", "offer"), ("consumer", "request")], ("REQUESTED", "REQUESTED")),
    ([("provider", "offer"), ("consumer", "accept")], ("ACCEPTED", "ACCEPTED")),
    ([("provider", "agree")], ("AGREED", "AGREED")),
    ([("provider", "agree"), ("consumer", "verify")], ("VERIFIED", "VERIFIED")),
]


@pytest.mark.parametrize(("orders", "states"), STEPS, ids=lambda it: str(it)[-24:])
@pytest.mark.parametrize("who", ["consumer", "provider"])
def test_either_side_may_reject_at_every_step(
    manual: Table, who: str, orders: list[tuple[str, str]], states: tuple[str, str]
) -> None:
    manual.request()
    for side, order in orders:
        (manual.consumer_orders if side == "consumer" else manual.provider_orders)(order)
    assert manual.states == states
    ended = (manual.consumer_orders if who == "consumer" else manual.provider_orders)("terminate")
    assert ended == ("TERMINATED", "TERMINATED")
    assert codes(manual) == [FaultCode.TERMINATED_BY_CLIENT] * 2
    manual.pair.run(seconds=200)
    assert manual.ours.is_settled and manual.theirs.is_settled
    assert manual.agreed_rules() == [None, None]
    assert [len(list(side.core.outside.agreements.all())) for side in manual.pair.both] == [1, 1]


@pytest.mark.parametrize(("orders", "who"), [([], "provider"), (["offer"], "consumer"), (["agree"], "consumer")])
def test_negotiation_that_nobody_decides_about_ends_at_its_deadline_and_says_so(orders: list[str], who: str) -> None:
    it = table(FERRY_NEGOTIATION="manual", FERRY_DEADLINES='{"REQUESTED": 60, "OFFERED": 60, "AGREED": 60}')
    it.request()
    for order in orders:
        it.provider_orders(order)
    it.pair.world.clock.advance(30)
    _look_at(it, who)
    assert not it.ours.is_final and not it.theirs.is_final
    it.pair.world.clock.advance(31)
    _look_at(it, who)
    assert it.states == ("TERMINATED", "TERMINATED")
    errors = [side.error for side in (it.ours, it.theirs)]
    assert all(error is not None and error.code == FaultCode.DEADLINE_EXCEEDED for error in errors)
    assert all(error is not None and "nobody decided" in error.message for error in errors)


def _look_at(it: Table, who: str) -> None:
    """The look at the deadline, of that side first."""
    side, pid = (it.pair.provider, it.provider_pid) if who == "provider" else (it.pair.consumer, it.consumer_pid)
    handled = side.core.negotiations.look(pid, None)
    assert handled is not None
    side.emit(handled.looks)
    it.rest()


# --- what is decided by itself ------------------------------------------------------------------------------------


def test_offer_unasked_for_comes_to_an_agreement_when_a_client_accepts() -> None:
    it = table()
    it.offer(READ)
    assert it.states == ("OFFERED", "OFFERED")
    assert it.consumer_orders("accept") == ("FINALIZED", "FINALIZED")
    assert it.agreed_rules() == [[{"action": "read"}]] * 2
    assert it.ours.agreement is not None
    assert (it.ours.agreement.provider_id, it.ours.agreement.consumer_id) == ("provider", "consumer")
    assert it.ours.offer_id == it.theirs.offer_id != ""


def test_offer_unasked_for_is_rejected_by_the_consumer() -> None:
    it = table()
    it.offer(USE)
    assert it.consumer_orders("terminate") == ("TERMINATED", "TERMINATED")
    assert codes(it) == [FaultCode.TERMINATED_BY_CLIENT] * 2


def test_offer_unasked_for_is_answered_with_the_catalogs_offer_and_agreed_to() -> None:
    it = table()
    it.offer(READ)
    assert it.consumer_orders("request", {**USE, "@id": OFFER_ID}) == ("FINALIZED", "FINALIZED")
    assert it.theirs.offer_id == OFFER_ID
    assert it.agreed_rules() == [[{"action": "use"}]] * 2


def test_counter_request_on_other_terms_waits_for_the_provider() -> None:
    it = table()
    it.offer(READ)
    assert it.consumer_orders("request", {**USE, "@id": "mine"}) == ("REQUESTED", "REQUESTED")
    assert it.provider_orders("offer", {**USE, "@id": "mine"}) == ("FINALIZED", "FINALIZED")
    assert it.agreed_rules() == [[{"action": "use"}]] * 2


def test_order_given_again_to_an_offer_begins_one_negotiation() -> None:
    it = table()
    offered = {**USE, "target": "asset-1"}
    body = {**counter_party(it.pair), "counterPartyId": "consumer", "policy": offered}
    body["counterPartyAddress"] = it.pair.consumer.core.settings.dsp_url
    first = body_of(it.provider.post("contractnegotiations/offers", body, idempotency_key="o"))
    assert body_of(it.provider.post("contractnegotiations/offers", body, idempotency_key="o")) == first


@pytest.mark.parametrize(("assignee", "state"), [("consumer", "FINALIZED"), (None, "TERMINATED")])
def test_client_may_say_how_the_provider_knows_us(assignee: str | None, state: str) -> None:
    it = table()
    consumer = it.pair.consumer.core
    renamed = replace(consumer.negotiations, participant_id="another")
    it.pair.consumer.core = replace(consumer, negotiations=renamed)
    it.consumer = client_of(it.pair.consumer)
    it.request({**USE, "assignee": assignee})
    assert it.ours.state_name == state


# --- orders that cannot be obeyed ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"policy": None}, {"policy"}),
        ({"policy": USE}, {"policy.target", "policy.assignee"}),
        ({"policy": {**USE, "target": "asset-2", "assignee": "consumer"}}, {"policy.target"}),
        ({"policy": {**USE, "target": "asset-1", "assignee": "a"}, "counterPartyId": "b"}, {"counterPartyId"}),
        (
            {"policy": {"permission": [{"action": "fly"}], "target": "asset-1", "assignee": "consumer"}},
            {"policy.permission[0].action"},
        ),
    ],
)
def test_offer_that_cannot_be_made_is_refused_at_its_path(
    provider: Client, pair: Pair, changes: dict[str, Any], paths: set[str]
) -> None:
    body = {**counter_party(pair), **changes}
    assert set(faults_in(provider.post("contractnegotiations/offers", body))) == paths


def test_order_out_of_turn_is_a_conflict_that_changes_nothing(manual: Table) -> None:
    manual.request()
    before = manual.ours
    for order in ("offer", "request", "accept", "agree", "verify", "finalize"):
        refused = manual.consumer.post(f"contractnegotiations/{manual.consumer_pid}/{order}", {"policy": USE})
        (detail,) = body_of(refused, 409)
        assert (detail["type"], detail["invalidValue"]) == ("ObjectConflict", "REQUESTED")
        assert manual.consumer.post(f"contractnegotiations/nobody/{order}").status == 404
    assert manual.ours == before


@pytest.mark.parametrize(
    ("policy", "path"),
    [
        ({**USE, "target": "asset-2"}, "policy.target"),
        ({"permission": [{"action": "fly"}]}, "policy.permission[0].action"),
        ({"permission": "use"}, "policy.permission[0]"),
        ("use", "policy"),
    ],
)
def test_terms_that_cannot_be_kept_are_refused_at_their_path(manual: Table, policy: Any, path: str) -> None:
    manual.request()
    answer = manual.provider.post(f"contractnegotiations/{manual.provider_pid}/offer", {"policy": policy})
    assert path in faults_in(answer)
    assert manual.theirs.state is NegotiationState.REQUESTED
