"""PlaneFlow: a data flow as Data Plane Signaling has it, in which this plane prepares, serves or fetches data.

What a provider's plane pushes is a DataFlow of its own; whatever else a control plane may ask of a plane is this.
"""

from dataclasses import dataclass
from enum import StrEnum

from ferry.domain.data_address import SourceAddress
from ferry.domain.process import Process
from ferry.domain.transfer_process import Destination

# The dialect of EDC up to 0.18: it tells a consumer's plane nothing between `prepare` and the end.
EDC_DIALECT = "edc-v1"


class PlaneFlowKind(StrEnum):
    """What this plane does in a flow."""

    RECEIVE = "receive"  # a consumer's push: container and SAS for the provider
    FETCH = "fetch"  # a consumer's pull: takes the provider's address, and copies from it where it is told to
    SERVE = "serve"  # a provider's pull: gives an address to read from


class PlaneFlowState(StrEnum):
    """States of a flow, as the specification spells them."""

    PREPARING = "PREPARING"
    PREPARED = "PREPARED"
    STARTING = "STARTING"
    STARTED = "STARTED"
    SUSPENDED = "SUSPENDED"
    COMPLETED = "COMPLETED"
    TERMINATED = "TERMINATED"


PLANE_FLOW_FINAL = frozenset({PlaneFlowState.COMPLETED, PlaneFlowState.TERMINATED})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneFlow(Process):
    """One such flow. `id` is what its control plane calls the transfer.

    `participant_id` is whose plane we are in the control plane's words, `callback_address` where it is told of news, in
    the words of `dialect`. `destination`: where data are to go, with the names of container, SAS and policy; of a pull
    only where this plane is to fetch them. `source`: what is served. `secret_name` is the name in the vault of the
    provider's address (of a pull that we fetch) or of what opens ours (of one that we serve); `policy_id` the stored
    access policy that a SAS of ours for reading hangs on.
    """

    kind: PlaneFlowKind
    state: PlaneFlowState
    participant_id: str
    counter_party_id: str
    agreement_id: str
    asset_id: str
    transfer_type: str
    callback_address: str
    secret_name: str
    dialect: str = "dps"
    consumer_pid: str = ""
    destination: Destination | None = None
    source: SourceAddress | None = None
    policy_id: str | None = None
    has_secret: bool = False
    is_answered: bool = True

    @property
    def state_name(self) -> str:
        """The state as Data Plane Signaling spells it."""
        return self.state.value

    @property
    def is_final(self) -> bool:
        """COMPLETED or TERMINATED."""
        return self.state in PLANE_FLOW_FINAL

    @property
    def is_told_nothing(self) -> bool:
        """Whether it is prepared and its control plane knows no way to say that it has started."""
        return self.state is PlaneFlowState.PREPARED and self.dialect == EDC_DIALECT

    @property
    def copies(self) -> bool:
        """Whether this plane fetches the data by itself once it knows where they are."""
        return self.kind is PlaneFlowKind.FETCH and self.destination is not None
