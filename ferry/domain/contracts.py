"""Assets, policies, contract definitions, offers and agreements, and the negotiation that leads to one."""

from dataclasses import dataclass, field
from datetime import datetime

from ferry.domain.data_address import SourceAddress
from ferry.domain.message_kind import Role
from ferry.domain.peer_process import PeerProcess
from ferry.domain.process import Json, JsonObject
from ferry.domain.states import NEGOTIATION_DSP, NEGOTIATION_FINAL, NegotiationState


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
    """What two participants agreed on. `id` is the id on the wire, the same on both sides."""

    id: str
    created_at: datetime
    signed_at: datetime
    provider_id: str
    consumer_id: str
    asset_id: str
    policy: JsonObject
    negotiation_id: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractNegotiation(PeerProcess):
    """A negotiation about one offer, and the agreement that it has led to."""

    state: NegotiationState
    offer_id: str
    asset_id: str
    policy: JsonObject
    agreement: ContractAgreement | None = None

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
        """The state as the Dataspace Protocol shows it."""
        return NEGOTIATION_DSP[self.state]
