"""From which state to which a process goes, as data; a test compares it with all orders that the explorer finds.

The tables of what may arrive when stand in ferry/domain/states.py; where an order or a message leads, code decides.
"""

from collections.abc import Mapping

from ferry.control_plane.negotiation_steps import SENDING
from ferry.domain.decision import CommandKind
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.states import (
    NEGOTIATION_ACCEPTS,
    NEGOTIATION_ORDERS,
    FlowState,
    NegotiationState,
    TransferState,
)

type Edges[S] = Mapping[S, tuple[S, ...]]

_T = TransferState

# Of a push. Any state before the end leads to TERMINATED; any of the consumer's, but DEPROVISIONED, to DEPROVISIONING.
PUSH_EDGES: dict[Role, Edges[TransferState]] = {
    Role.CONSUMER: {
        _T.PREPARATION_REQUESTED: (_T.REQUESTING,),
        _T.REQUESTING: (_T.REQUESTED, _T.STARTED, _T.COMPLETING),
        _T.REQUESTED: (_T.STARTED, _T.COMPLETING),
        _T.STARTED: (_T.SUSPENDING, _T.SUSPENDED, _T.COMPLETING),
        _T.SUSPENDING: (_T.SUSPENDED, _T.STARTED, _T.COMPLETING),
        _T.SUSPENDED: (_T.RESUMING, _T.STARTED),
        _T.RESUMING: (_T.STARTED, _T.SUSPENDED, _T.COMPLETING),
        _T.COMPLETING: (_T.COMPLETED,),
        _T.COMPLETED: (),
        _T.TERMINATED: (),
        _T.DEPROVISIONING: (_T.DEPROVISIONED,),
        _T.DEPROVISIONED: (),
    },
    Role.PROVIDER: {
        _T.INITIAL: (_T.STARTING,),
        _T.STARTING: (_T.STARTED, _T.COMPLETING),
        _T.STARTED: (_T.SUSPENDING, _T.SUSPENDED, _T.COMPLETING, _T.COMPLETED),
        _T.SUSPENDING: (_T.SUSPENDED, _T.STARTED, _T.COMPLETING, _T.COMPLETED),
        _T.SUSPENDED: (_T.RESUMING, _T.STARTED),
        _T.RESUMING: (_T.STARTED, _T.SUSPENDED, _T.COMPLETED),
        _T.COMPLETING: (_T.COMPLETED,),
        _T.COMPLETED: (),
        _T.TERMINATED: (),
    },
}
PUSH_BEGINS = {Role.CONSUMER: (_T.PREPARATION_REQUESTED,), Role.PROVIDER: (_T.INITIAL,)}
NEGOTIATION_BEGINS = {
    Role.CONSUMER: (NegotiationState.REQUESTING, NegotiationState.OFFERED),
    Role.PROVIDER: (NegotiationState.REQUESTED, NegotiationState.OFFERING),
}
TRANSFER_ENDED = frozenset({_T.COMPLETED, _T.TERMINATED, _T.DEPROVISIONING, _T.DEPROVISIONED})

_F = FlowState
_ENDS = (_F.COMPLETED, _F.FAILED, _F.TERMINATED)
FLOW_EDGES: Edges[FlowState] = {
    _F.STARTED: (_F.SUSPENDED, *_ENDS),
    _F.SUSPENDED: (_F.STARTED, *_ENDS),
    **dict.fromkeys(_ENDS, ()),
}

_SAYS = {
    CommandKind.REQUEST: MessageKind.CONTRACT_REQUEST,
    CommandKind.OFFER: MessageKind.CONTRACT_OFFER,
    CommandKind.ACCEPT: MessageKind.CONTRACT_ACCEPTED,
    CommandKind.AGREE: MessageKind.CONTRACT_AGREEMENT,
    CommandKind.VERIFY: MessageKind.CONTRACT_VERIFICATION,
    CommandKind.FINALIZE: MessageKind.CONTRACT_FINALIZED,
}


def push_edges(role: Role) -> Edges[TransferState]:
    """Every step of a push, with those to its end and to the clean-up."""
    whole: dict[TransferState, tuple[TransferState, ...]] = {}
    for state, following in PUSH_EDGES[role].items():
        over = () if state in TRANSFER_ENDED else (_T.TERMINATED,)
        cleaned = role is Role.CONSUMER and state not in (_T.DEPROVISIONING, _T.DEPROVISIONED)
        whole[state] = (*following, *over, *((_T.DEPROVISIONING,) if cleaned else ()))
    return whole


def negotiation_edges(role: Role) -> Edges[NegotiationState]:
    """Every step of a negotiation: by a client's or the policies' decision, by delivery, by a message."""
    found: dict[NegotiationState, list[NegotiationState]] = {}
    for command, states in NEGOTIATION_ORDERS[role].items():
        under_way, told, _ = SENDING[_SAYS[command]]
        for state in states:
            found.setdefault(state, []).append(under_way)
        found.setdefault(under_way, []).append(told)
    for kind, states in NEGOTIATION_ACCEPTS[role].items():
        for state in states:
            found.setdefault(state, []).append(_after(kind))
    seen, coming = set[NegotiationState](), list(NEGOTIATION_BEGINS[role])
    while coming:
        state = coming.pop()
        if state not in seen:
            seen.add(state)
            coming += found.get(state, ())
    return {
        state: tuple(it for it in NegotiationState if it in found.get(state, ()))
        for state in NegotiationState
        if state in seen
    }


def _after(kind: MessageKind) -> NegotiationState:
    return NegotiationState.TERMINATED if kind is MessageKind.CONTRACT_TERMINATION else SENDING[kind][1]
