"""The states of the three processes, and what may arrive when, as data.

Names and numbers are EDC's (`TransferProcessStates`, `ContractNegotiationStates`); what the Dataspace Protocol shows of
them is beside each. Tests and the diagram in the docs are derived from these tables.
"""

from enum import StrEnum

from ferry.domain.message_kind import MessageKind, Role


class TransferState(StrEnum):
    """States of a TransferProcess that Ferry uses."""

    INITIAL = "INITIAL"
    PREPARATION_REQUESTED = "PREPARATION_REQUESTED"
    REQUESTING = "REQUESTING"
    REQUESTED = "REQUESTED"
    STARTING = "STARTING"
    STARTED = "STARTED"
    SUSPENDED = "SUSPENDED"
    COMPLETING = "COMPLETING"
    COMPLETED = "COMPLETED"
    TERMINATED = "TERMINATED"
    DEPROVISIONING = "DEPROVISIONING"
    DEPROVISIONED = "DEPROVISIONED"


TRANSFER_CODES: dict[TransferState, int] = {
    TransferState.INITIAL: 100,
    TransferState.PREPARATION_REQUESTED: 250,
    TransferState.REQUESTING: 400,
    TransferState.REQUESTED: 500,
    TransferState.STARTING: 550,
    TransferState.STARTED: 600,
    TransferState.SUSPENDED: 700,
    TransferState.COMPLETING: 750,
    TransferState.COMPLETED: 800,
    TransferState.TERMINATED: 850,
    TransferState.DEPROVISIONING: 900,
    TransferState.DEPROVISIONED: 1000,
}

TRANSFER_FINAL = frozenset({TransferState.COMPLETED, TransferState.TERMINATED, TransferState.DEPROVISIONED})

# What GET …/transfers/{pid} shows. COMPLETING is a claim under examination, so the protocol still says STARTED.
TRANSFER_DSP: dict[TransferState, str] = {
    TransferState.INITIAL: "REQUESTED",
    TransferState.PREPARATION_REQUESTED: "REQUESTED",
    TransferState.REQUESTING: "REQUESTED",
    TransferState.REQUESTED: "REQUESTED",
    TransferState.STARTING: "REQUESTED",
    TransferState.STARTED: "STARTED",
    TransferState.SUSPENDED: "SUSPENDED",
    TransferState.COMPLETING: "STARTED",
    TransferState.COMPLETED: "COMPLETED",
    TransferState.TERMINATED: "TERMINATED",
    TransferState.DEPROVISIONING: "COMPLETED",
    TransferState.DEPROVISIONED: "COMPLETED",
}

_S = TransferState
_M = MessageKind

# Which message is applied in which state, for a push: the other side may overtake its own answer, and ours.
PUSH_ACCEPTS: dict[Role, dict[MessageKind, frozenset[TransferState]]] = {
    Role.CONSUMER: {
        _M.TRANSFER_START: frozenset({_S.REQUESTING, _S.REQUESTED, _S.SUSPENDED}),
        _M.TRANSFER_COMPLETION: frozenset({_S.REQUESTING, _S.REQUESTED, _S.STARTED}),
        _M.TRANSFER_TERMINATION: frozenset(
            {_S.PREPARATION_REQUESTED, _S.REQUESTING, _S.REQUESTED, _S.STARTED, _S.SUSPENDED}
        ),
    },
    Role.PROVIDER: {
        _M.TRANSFER_TERMINATION: frozenset({_S.INITIAL, _S.STARTING, _S.STARTED, _S.SUSPENDED, _S.COMPLETING}),
    },
}

# Messages that tell what is known already: answered like the first one, and nothing changes.
PUSH_KNOWN: dict[Role, dict[MessageKind, frozenset[TransferState]]] = {
    Role.CONSUMER: {
        # The consumer may have found everything before a start that was held up on its way reaches it.
        _M.TRANSFER_START: frozenset({_S.STARTED, _S.COMPLETING, _S.COMPLETED, _S.DEPROVISIONING, _S.DEPROVISIONED}),
        _M.TRANSFER_COMPLETION: frozenset({_S.COMPLETING, _S.COMPLETED, _S.DEPROVISIONING, _S.DEPROVISIONED}),
        _M.TRANSFER_TERMINATION: frozenset({_S.TERMINATED}),
    },
    Role.PROVIDER: {
        _M.TRANSFER_TERMINATION: frozenset({_S.TERMINATED}),
    },
}


class NegotiationState(StrEnum):
    """States of a ContractNegotiation that Ferry uses."""

    REQUESTING = "REQUESTING"
    REQUESTED = "REQUESTED"
    AGREEING = "AGREEING"
    AGREED = "AGREED"
    VERIFYING = "VERIFYING"
    VERIFIED = "VERIFIED"
    FINALIZING = "FINALIZING"
    FINALIZED = "FINALIZED"
    TERMINATED = "TERMINATED"


NEGOTIATION_CODES: dict[NegotiationState, int] = {
    NegotiationState.REQUESTING: 100,
    NegotiationState.REQUESTED: 200,
    NegotiationState.AGREEING: 825,
    NegotiationState.AGREED: 850,
    NegotiationState.VERIFYING: 1050,
    NegotiationState.VERIFIED: 1100,
    NegotiationState.FINALIZING: 1150,
    NegotiationState.FINALIZED: 1200,
    NegotiationState.TERMINATED: 1400,
}

NEGOTIATION_FINAL = frozenset({NegotiationState.FINALIZED, NegotiationState.TERMINATED})

NEGOTIATION_DSP: dict[NegotiationState, str] = {
    NegotiationState.REQUESTING: "REQUESTED",
    NegotiationState.REQUESTED: "REQUESTED",
    NegotiationState.AGREEING: "REQUESTED",
    NegotiationState.AGREED: "AGREED",
    NegotiationState.VERIFYING: "AGREED",
    NegotiationState.VERIFIED: "VERIFIED",
    NegotiationState.FINALIZING: "VERIFIED",
    NegotiationState.FINALIZED: "FINALIZED",
    NegotiationState.TERMINATED: "TERMINATED",
}

_N = NegotiationState

NEGOTIATION_ACCEPTS: dict[Role, dict[MessageKind, frozenset[NegotiationState]]] = {
    Role.CONSUMER: {
        _M.CONTRACT_AGREEMENT: frozenset({_N.REQUESTING, _N.REQUESTED}),
        _M.CONTRACT_FINALIZED: frozenset({_N.VERIFYING, _N.VERIFIED}),
        _M.CONTRACT_TERMINATION: frozenset({_N.REQUESTING, _N.REQUESTED, _N.AGREED, _N.VERIFYING, _N.VERIFIED}),
    },
    Role.PROVIDER: {
        _M.CONTRACT_VERIFICATION: frozenset({_N.AGREEING, _N.AGREED}),
        _M.CONTRACT_TERMINATION: frozenset({_N.REQUESTED, _N.AGREEING, _N.AGREED, _N.VERIFIED}),
    },
}

NEGOTIATION_KNOWN: dict[Role, dict[MessageKind, frozenset[NegotiationState]]] = {
    Role.CONSUMER: {
        _M.CONTRACT_AGREEMENT: frozenset({_N.AGREED, _N.VERIFYING, _N.VERIFIED}),
        _M.CONTRACT_FINALIZED: frozenset({_N.FINALIZED}),
        _M.CONTRACT_TERMINATION: frozenset({_N.TERMINATED}),
    },
    Role.PROVIDER: {
        _M.CONTRACT_VERIFICATION: frozenset({_N.VERIFIED, _N.FINALIZING, _N.FINALIZED}),
        _M.CONTRACT_TERMINATION: frozenset({_N.TERMINATED}),
    },
}


class FlowState(StrEnum):
    """States of a DataFlow, as the Data Plane Signaling specification spells them."""

    STARTED = "STARTED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TERMINATED = "TERMINATED"


FLOW_FINAL = frozenset({FlowState.COMPLETED, FlowState.FAILED, FlowState.TERMINATED})
