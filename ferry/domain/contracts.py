"""Assets, policies, contract definitions, offers and agreements, and the negotiation that leads to one."""

from dataclasses import dataclass, field
from datetime import datetime

from ferry.domain.data_address import SourceAddress
from ferry.domain.message_kind import Role
from ferry.domain.peer_process import PeerProcess
from ferry.domain.process import Json, JsonObject
from ferry.domain.states import (
    NEGOTIATION_DSP,
    NEGOTIATION_FINAL,
    NEGOTIATION_ORDERS,
    NEGOTIATION_UNDER_WAY,
    NegotiationState,
)


@dataclass(frozen=True, slots=True)
class Asset:
    """Blobs on offer: what is told of them (`properties`), what is not (`private_properties`), and where they lie."""

    id: str
    created_at: datetime
    address: SourceAddress
    properties: JsonObject = field(default_factory=dict[str, Json])
    private_properties: JsonObject = field(default_factory=dict[str, Json])


@dataclass(frozen=True, slots=True)
class PolicyDefinition:
    """An ODRL policy (`Set`) under a name. `policy` is plain JSON with the short ODRL terms."""

    id: str
    created_at: datetime
    policy: JsonObject
    private_properties: JsonObject = field(default_factory=dict[str, Json])


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition on a property: left operand, operator, right operand, as EDC's QuerySpec has them."""

    operand_left: str
    operator: str
    operand_right: Json = None


@dataclass(frozen=True, slots=True)
class ContractDefinition:
    """Which assets are offered: the access policy decides who sees the offer, the contract policy is what is agreed."""

    id: str
    created_at: datetime
    access_policy_id: str
    contract_policy_id: str
    assets_selector: tuple[Criterion, ...] = ()
    private_properties: JsonObject = field(default_factory=dict[str, Json])


@dataclass(frozen=True, slots=True)
class ContractAgreement:
    """What two participants agreed on. `id` is the id on the wire, the same on both sides.

    `purpose` is what the consumer stated that it wants the data for, where it stated anything.
    """

    id: str
    created_at: datetime
    signed_at: datetime
    provider_id: str
    consumer_id: str
    asset_id: str
    policy: JsonObject
    negotiation_id: str
    role: Role
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class ContractOffer:
    """What the other side has put on the table in place of our terms: a provider's offer, a consumer's request."""

    id: str
    policy: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractNegotiation(PeerProcess):
    """A negotiation about one asset, and the agreement that it has led to.

    `offer_id` and `policy` are the terms that we stand for, `counter_offer` those of the other side where it has made
    some of its own. `participant_ids` is who we are: the id that we sign with, and others that a peer may know us by.
    `manual`: every step of ours waits for an order. `purpose` is what the consumer states that it wants the data for.
    """

    state: NegotiationState
    offer_id: str
    asset_id: str
    policy: JsonObject
    agreement: ContractAgreement | None = None
    counter_offer: ContractOffer | None = None
    participant_ids: tuple[str, ...] = ()
    manual: bool = False
    purpose: str | None = None

    @property
    def state_name(self) -> str:
        """The state as EDC spells it."""
        return self.state.value

    @property
    def is_final(self) -> bool:
        """FINALIZED or TERMINATED."""
        return self.state in NEGOTIATION_FINAL

    @property
    def dsp_state(self) -> str:
        """The state as the Dataspace Protocol shows it: the one before, as long as a message of ours is under way."""
        if self.state not in NEGOTIATION_UNDER_WAY:
            return NEGOTIATION_DSP[self.state]
        before = (entry.state for entry in reversed(self.history) if entry.state not in NEGOTIATION_UNDER_WAY)
        return NEGOTIATION_DSP[NegotiationState(next(before, self.state))]

    @property
    def participant_id(self) -> str:
        """Our own id in an agreement; empty where an older version wrote the document."""
        return next(iter(self.participant_ids), "")

    @property
    def is_our_turn(self) -> bool:
        """Whether the next step is ours to take, by itself or by an order."""
        return any(self.state in states for states in NEGOTIATION_ORDERS[self.role].values())


_NOT_POLICY = frozenset({"@id", "@type", "@context", "target", "assigner", "assignee", "timestamp"})


def policy_of(offer: JsonObject) -> dict[str, Json]:
    """The policy in an offer or agreement: all of it but ids, parties, target and time."""
    return {key: value for key, value in offer.items() if key not in _NOT_POLICY}
