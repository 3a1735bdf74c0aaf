"""The states of the three processes, and what may arrive when, as data.

Names and numbers are EDC's (`TransferProcessStates`, `ContractNegotiationStates`); what the Dataspace Protocol shows of
them is beside each. Tests and the diagram in the docs are derived from these tables.
"""

from enum import StrEnum

from ferry.domain.decision import CommandKind
from ferry.domain.message_kind import MessageKind, Role


class TransferState(StrEnum):
    """States of a TransferProcess that Ferry uses."""

    INITIAL = "INITIAL"
    PREPARATION_REQUESTED = "PREPARATION_REQUESTED"
    REQUESTING = "REQUESTING"
    REQUESTED = "REQUESTED"
    STARTING = "STARTING"
    STARTED = "STARTED"
    SUSPENDING = "SUSPENDING"
    SUSPENDED = "SUSPENDED"
    RESUMING = "RESUMING"
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
    TransferState.SUSPENDING: 650,
    TransferState.SUSPENDED: 700,
    TransferState.RESUMING: 720,
    TransferState.COMPLETING: 750,
    TransferState.COMPLETED: 800,
    TransferState.TERMINATED: 850,
    TransferState.DEPROVISIONING: 900,
    TransferState.DEPROVISIONED: 1000,
}

TRANSFER_FINAL = frozenset({TransferState.COMPLETED, TransferState.TERMINATED, TransferState.DEPROVISIONED})
# Where the provider has a flow at its data plane.
TRANSFER_FLOWING = frozenset(
    {
        TransferState.STARTING,
        TransferState.STARTED,
        TransferState.SUSPENDING,
        TransferState.SUSPENDED,
        TransferState.RESUMING,
    }
)

# What GET …/transfers/{pid} shows: nothing that the other side has not been told of, or not agreed to. COMPLETING is a
# claim under examination, or a completion that is being told, so the protocol still says STARTED.
TRANSFER_DSP: dict[TransferState, str] = {
    TransferState.INITIAL: "REQUESTED",
    TransferState.PREPARATION_REQUESTED: "REQUESTED",
    TransferState.REQUESTING: "REQUESTED",
    TransferState.REQUESTED: "REQUESTED",
    TransferState.STARTING: "REQUESTED",
    TransferState.STARTED: "STARTED",
    TransferState.SUSPENDING: "STARTED",
    TransferState.SUSPENDED: "SUSPENDED",
    TransferState.RESUMING: "SUSPENDED",
    TransferState.COMPLETING: "STARTED",
    TransferState.COMPLETED: "COMPLETED",
    TransferState.TERMINATED: "TERMINATED",
    TransferState.DEPROVISIONING: "COMPLETED",
    TransferState.DEPROVISIONED: "COMPLETED",
}

_S = TransferState
_M = MessageKind

type TransferTable = dict[Role, dict[MessageKind, frozenset[TransferState]]]

# From the start to the end of the data flow; either side may suspend, resume and end it.
_FLOWING = frozenset({_S.STARTED, _S.SUSPENDING, _S.SUSPENDED, _S.RESUMING})
# Where the other side may have seen STARTED last: it is told of nothing else before it has agreed to it, and of what we
# are telling it now it may know already, while its answer is on the way.
_SEEN_STARTED = frozenset({_S.STARTED, _S.SUSPENDING, _S.RESUMING})
_OVER = frozenset({_S.COMPLETED, _S.DEPROVISIONING, _S.DEPROVISIONED})

# Which message is applied in which state, for a push: the other side may overtake its own answer, and ours. A provider
# that is telling of its start counts as STARTED (`seen_state`). Who is telling of a suspension refuses a start: it
# cannot know yet whether that comes before or after it, and is told again when it does.
PUSH_ACCEPTS: TransferTable = {
    Role.CONSUMER: {
        _M.TRANSFER_START: frozenset({_S.REQUESTING, _S.REQUESTED, _S.SUSPENDED, _S.RESUMING}),
        _M.TRANSFER_COMPLETION: frozenset({_S.REQUESTING, _S.REQUESTED}) | _SEEN_STARTED,
        _M.TRANSFER_SUSPENSION: _SEEN_STARTED,
        _M.TRANSFER_TERMINATION: frozenset({_S.PREPARATION_REQUESTED, _S.REQUESTING, _S.REQUESTED}) | _FLOWING,
    },
    Role.PROVIDER: {
        _M.TRANSFER_START: frozenset({_S.SUSPENDED, _S.RESUMING}),
        _M.TRANSFER_COMPLETION: _SEEN_STARTED | {_S.COMPLETING},
        _M.TRANSFER_SUSPENSION: _SEEN_STARTED,
        _M.TRANSFER_TERMINATION: frozenset({_S.INITIAL, _S.STARTING, _S.COMPLETING}) | _FLOWING,
    },
}

# Messages that tell what is known already: answered like the first one, and nothing changes.
PUSH_KNOWN: TransferTable = {
    Role.CONSUMER: {
        # The consumer may have found everything before a start that was held up on its way reaches it.
        _M.TRANSFER_START: frozenset({_S.STARTED, _S.COMPLETING}) | _OVER,
        _M.TRANSFER_COMPLETION: frozenset({_S.COMPLETING}) | _OVER,
        _M.TRANSFER_SUSPENSION: frozenset({_S.SUSPENDED}),
        _M.TRANSFER_TERMINATION: frozenset({_S.TERMINATED}),
    },
    Role.PROVIDER: {
        _M.TRANSFER_START: frozenset({_S.STARTED, _S.COMPLETING}) | _OVER,
        _M.TRANSFER_COMPLETION: _OVER,
        _M.TRANSFER_SUSPENSION: frozenset({_S.SUSPENDED}),
        _M.TRANSFER_TERMINATION: frozenset({_S.TERMINATED}),
    },
}

# The same for a pull: the consumer reads, so it knows nothing of a completion before it was told of a start. A start
# while STARTED may bring a new data address.
PULL_ACCEPTS: TransferTable = {
    Role.CONSUMER: {
        _M.TRANSFER_START: frozenset({_S.REQUESTING, _S.REQUESTED, _S.STARTED, _S.SUSPENDED, _S.RESUMING}),
        _M.TRANSFER_COMPLETION: _SEEN_STARTED | {_S.COMPLETING},
        _M.TRANSFER_SUSPENSION: _SEEN_STARTED,
        _M.TRANSFER_TERMINATION: frozenset({_S.REQUESTING, _S.REQUESTED, _S.COMPLETING}) | _FLOWING,
    },
    Role.PROVIDER: {
        _M.TRANSFER_START: frozenset({_S.SUSPENDED, _S.RESUMING}),
        _M.TRANSFER_COMPLETION: _SEEN_STARTED | {_S.COMPLETING},
        _M.TRANSFER_SUSPENSION: _SEEN_STARTED,
        _M.TRANSFER_TERMINATION: frozenset({_S.STARTING, _S.COMPLETING}) | _FLOWING,
    },
}
PULL_KNOWN: TransferTable = {
    Role.CONSUMER: {
        _M.TRANSFER_START: frozenset({_S.COMPLETING}) | _OVER,
        _M.TRANSFER_COMPLETION: _OVER,
        _M.TRANSFER_SUSPENSION: frozenset({_S.SUSPENDED}),
        _M.TRANSFER_TERMINATION: frozenset({_S.TERMINATED}),
    },
    Role.PROVIDER: PUSH_KNOWN[Role.PROVIDER],
}


class NegotiationState(StrEnum):
    """States of a ContractNegotiation that Ferry uses."""

    REQUESTING = "REQUESTING"
    REQUESTED = "REQUESTED"
    OFFERING = "OFFERING"
    OFFERED = "OFFERED"
    ACCEPTING = "ACCEPTING"
    ACCEPTED = "ACCEPTED"
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
    NegotiationState.OFFERING: 300,
    NegotiationState.OFFERED: 400,
    NegotiationState.ACCEPTING: 700,
    NegotiationState.ACCEPTED: 800,
    NegotiationState.AGREEING: 825,
    NegotiationState.AGREED: 850,
    NegotiationState.VERIFYING: 1050,
    NegotiationState.VERIFIED: 1100,
    NegotiationState.FINALIZING: 1150,
    NegotiationState.FINALIZED: 1200,
    NegotiationState.TERMINATED: 1400,
}

NEGOTIATION_FINAL = frozenset({NegotiationState.FINALIZED, NegotiationState.TERMINATED})

# What GET …/negotiations/{pid} shows. States in which a message of ours is under way are not the protocol's: the state
# before is shown, and this one where there was none.
NEGOTIATION_DSP: dict[NegotiationState, str] = {
    NegotiationState.REQUESTING: "REQUESTED",
    NegotiationState.REQUESTED: "REQUESTED",
    NegotiationState.OFFERING: "OFFERED",
    NegotiationState.OFFERED: "OFFERED",
    NegotiationState.ACCEPTING: "OFFERED",
    NegotiationState.ACCEPTED: "ACCEPTED",
    NegotiationState.AGREEING: "REQUESTED",
    NegotiationState.AGREED: "AGREED",
    NegotiationState.VERIFYING: "AGREED",
    NegotiationState.VERIFIED: "VERIFIED",
    NegotiationState.FINALIZING: "VERIFIED",
    NegotiationState.FINALIZED: "FINALIZED",
    NegotiationState.TERMINATED: "TERMINATED",
}

_N = NegotiationState

NEGOTIATION_UNDER_WAY = frozenset({_N.REQUESTING, _N.OFFERING, _N.ACCEPTING, _N.AGREEING, _N.VERIFYING, _N.FINALIZING})
_LIVE = frozenset(NegotiationState) - NEGOTIATION_FINAL

# Which message is applied in which state. The other side may answer a message of ours before we know that it has taken
# it, so what may follow a state may also come while the message that leads to it is under way.
NEGOTIATION_ACCEPTS: dict[Role, dict[MessageKind, frozenset[NegotiationState]]] = {
    Role.CONSUMER: {
        _M.CONTRACT_OFFER: frozenset({_N.REQUESTING, _N.REQUESTED}),
        _M.CONTRACT_AGREEMENT: frozenset({_N.REQUESTING, _N.REQUESTED, _N.ACCEPTING, _N.ACCEPTED}),
        _M.CONTRACT_FINALIZED: frozenset({_N.VERIFYING, _N.VERIFIED}),
        _M.CONTRACT_TERMINATION: _LIVE,
    },
    Role.PROVIDER: {
        _M.CONTRACT_REQUEST: frozenset({_N.OFFERING, _N.OFFERED}),
        _M.CONTRACT_ACCEPTED: frozenset({_N.OFFERING, _N.OFFERED}),
        _M.CONTRACT_VERIFICATION: frozenset({_N.AGREEING, _N.AGREED}),
        _M.CONTRACT_TERMINATION: _LIVE,
    },
}

# Messages that tell what is known already, under another `@id`: answered like the first one, and nothing changes.
NEGOTIATION_KNOWN: dict[Role, dict[MessageKind, frozenset[NegotiationState]]] = {
    Role.CONSUMER: {
        _M.CONTRACT_AGREEMENT: frozenset({_N.AGREED, _N.VERIFYING, _N.VERIFIED}),
        _M.CONTRACT_FINALIZED: frozenset({_N.FINALIZED}),
        _M.CONTRACT_TERMINATION: frozenset({_N.TERMINATED}),
    },
    Role.PROVIDER: {
        _M.CONTRACT_ACCEPTED: frozenset({_N.ACCEPTED, _N.AGREEING, _N.AGREED}),
        _M.CONTRACT_VERIFICATION: frozenset({_N.VERIFIED, _N.FINALIZING, _N.FINALIZED}),
        _M.CONTRACT_TERMINATION: frozenset({_N.TERMINATED}),
    },
}

# Which step of ours an order may take in which state: the states in which it is our turn.
NEGOTIATION_ORDERS: dict[Role, dict[CommandKind, frozenset[NegotiationState]]] = {
    Role.CONSUMER: {
        CommandKind.REQUEST: frozenset({_N.OFFERED}),
        CommandKind.ACCEPT: frozenset({_N.OFFERED}),
        CommandKind.VERIFY: frozenset({_N.AGREED}),
    },
    Role.PROVIDER: {
        CommandKind.OFFER: frozenset({_N.REQUESTED}),
        CommandKind.AGREE: frozenset({_N.REQUESTED, _N.ACCEPTED}),
        CommandKind.FINALIZE: frozenset({_N.VERIFIED}),
    },
}


class FlowState(StrEnum):
    """States of a data flow in the words of Data Plane Signaling; the first two are of planes that receive."""

    PREPARING = "PREPARING"
    PREPARED = "PREPARED"
    STARTING = "STARTING"
    STARTED = "STARTED"
    SUSPENDED = "SUSPENDED"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TERMINATED = "TERMINATED"


FLOW_FINAL = frozenset({FlowState.COMPLETED, FlowState.FAILED, FlowState.TERMINATED})
