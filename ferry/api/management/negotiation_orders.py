"""From a client's request to the order that begins a negotiation or takes a step in one; it is read whole first."""

from dataclasses import dataclass

from ferry.api.http import ApiRequest
from ferry.api.management.body import BodyReader, load_body
from ferry.api.management.callbacks import read_callbacks
from ferry.api.management.odrl import read_policy
from ferry.api.management.orders import CheckAddress, RepeatKey, read_counter_party_address, read_purpose, repeat_key
from ferry.control_plane.negotiation_steps import ContractOrder
from ferry.domain.contracts import Asset, ContractNegotiation, policy_of
from ferry.domain.decision import Command, CommandKind
from ferry.domain.message_kind import Role
from ferry.domain.policy import faults_of
from ferry.domain.process import JsonObject
from ferry.ports.stores import Definitions
from ferry.telemetry import trace_parent

_CONSUMERS = ("counterPartyId", "consumerId")
_PROVIDERS = ("counterPartyId", "connectorId", "providerId")


@dataclass(frozen=True, slots=True)
class NegotiationOrders:
    """Reads the two requests that begin a negotiation, one for each role."""

    participant_id: str
    assets: Definitions[Asset]
    check_address: CheckAddress
    own_secrets: frozenset[str] = frozenset()

    def request(self, request: ApiRequest) -> ContractOrder:
        """EDC's ContractRequest: ask a provider for an offer; an assignee in its policy is how the provider knows us.

        Raises InvalidInput with every fault.
        """
        return self._order(request, Role.CONSUMER)

    def offer(self, request: ApiRequest) -> ContractOrder:
        """The same towards a consumer, with the policy that is offered. Raises InvalidInput with every fault."""
        return self._order(request, Role.PROVIDER)

    def _order(self, request: ApiRequest, role: Role) -> ContractOrder:
        body = load_body(request)
        reader = BodyReader(body)
        address = read_counter_party_address(reader, self.check_address)
        callbacks, purpose = read_callbacks(reader, self.check_address, self.own_secrets), read_purpose(reader)
        raw = reader.object("policy", required=True)
        policy = reader.collect(lambda: read_policy(raw)) if raw else None
        offer = BodyReader(policy or {}, "policy")
        offer_id, asset_id = offer.text("@id", required=role is Role.CONSUMER), offer.text("target")
        if role is Role.PROVIDER:
            self._check_offered(offer, policy or {}, asset_id)
        counter_party_id = _counter_party_id(reader, offer, role)
        known_as = offer.text("assignee", required=False) if role is Role.CONSUMER else ""
        key = reader.collect(lambda: self._repeat_key(request, body)) or RepeatKey()
        reader.faults.extend(offer.faults if policy is not None else ())
        reader.finish()
        return ContractOrder(
            process_id=key.process_id,
            counter_party_id=counter_party_id,
            counter_party_address=address,
            offer_id=offer_id,
            asset_id=asset_id,
            policy=policy_of(policy or {}),
            purpose=purpose,
            request_digest=key.digest,
            callbacks=callbacks,
            participant_ids=(known_as,) if known_as else (),
            trace_parent=trace_parent.get(),
        )

    def _repeat_key(self, request: ApiRequest, body: JsonObject) -> RepeatKey:
        return repeat_key(request, body, participant_id=self.participant_id, kind="ContractNegotiation")

    def _check_offered(self, offer: BodyReader, policy: JsonObject, asset_id: str) -> None:
        """What is offered must be there, and its policy such that it can be kept."""
        if asset_id and self.assets.get(asset_id) is None:
            offer.fault("target", "is no asset of ours; create it first", asset_id)
        offer.faults.extend(faults_of(policy_of(policy), target=asset_id))


def step(request: ApiRequest, process: ContractNegotiation, kind: CommandKind) -> Command:
    """The order to take a step; an offer or a request may bring a policy. Raises InvalidInput with every fault."""
    reader = BodyReader(load_body(request, optional=True))
    if kind not in (CommandKind.OFFER, CommandKind.REQUEST) or not reader.has("policy"):
        return Command(kind)
    policy = read_policy(reader.object("policy", required=True))
    offer = BodyReader(policy, "policy")
    if offer.text("target", required=False) not in ("", process.asset_id):
        offer.fault("target", f"is not what the negotiation is about: {process.asset_id!r}")
    if kind is CommandKind.OFFER:
        offer.faults.extend(faults_of(policy_of(policy), target=process.asset_id))
    offer.finish()
    return Command(kind, policy=policy)


def _counter_party_id(reader: BodyReader, offer: BodyReader, role: Role) -> str:
    """Who is meant: the offer's assigner or assignee; clients also name it beside the policy."""
    party, names = ("assigner", _PROVIDERS) if role is Role.CONSUMER else ("assignee", _CONSUMERS)
    in_policy = offer.text(party, required=False)
    stated = next((name for name in names if reader.has(name)), "")
    named = reader.text(stated, required=False) if stated else ""
    if not in_policy and not named:
        does = "offers" if role is Role.CONSUMER else "is to have it"
        offer.fault(party, f"is required: the id of the participant who {does}")
    if in_policy and named and in_policy != named:
        reader.fault(stated, f"is not the {party} of the offer, {in_policy!r}", named)
    return in_policy or named
