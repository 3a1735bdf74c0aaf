"""Every message of a peer in every state of every process: applied, known, or refused with nothing changed.

What is expected stands here in words of its own; the tables in `ferry.domain.states` must say the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import product

import pytest

from ferry.control_plane import negotiation_provider
from ferry.control_plane.rules import NegotiationRules
from ferry.domain.contracts import ContractNegotiation
from ferry.domain.decision import Command, CommandKind, Received
from ferry.domain.faults import IllegalTransition
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import Applied, IntentKind, Json
from ferry.domain.states import (
    NEGOTIATION_ACCEPTS,
    NEGOTIATION_CODES,
    NEGOTIATION_DSP,
    NEGOTIATION_FINAL,
    NEGOTIATION_KNOWN,
    NEGOTIATION_ORDERS,
    PULL_ACCEPTS,
    PULL_KNOWN,
    PUSH_ACCEPTS,
    PUSH_KNOWN,
    TRANSFER_CODES,
    TRANSFER_DSP,
    TRANSFER_FINAL,
    NegotiationState,
    TransferState,
)
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.stores import Record
from ferry.services.memory import MemoryWorld
from tests.unit.control_plane.processes import (
    NOW,
    agreement_content,
    contract_demand,
    decided,
    done,
    moment,
    negotiation_in,
    offer_content,
    pull_in,
    received,
    transfer_in,
)
from tests.world.participants import Participant, settings_of
from tests.world.participants import participant as make_participant

CONSUMER, PROVIDER = Role.CONSUMER, Role.PROVIDER
_M = MessageKind

TRANSFER_MESSAGES = (_M.TRANSFER_START, _M.TRANSFER_COMPLETION, _M.TRANSFER_SUSPENSION, _M.TRANSFER_TERMINATION)
NEGOTIATION_MESSAGES = (
    _M.CONTRACT_REQUEST,
    _M.CONTRACT_OFFER,
    _M.CONTRACT_ACCEPTED,
    _M.CONTRACT_AGREEMENT,
    _M.CONTRACT_VERIFICATION,
    _M.CONTRACT_FINALIZED,
    _M.CONTRACT_TERMINATION,
)

# State before -> state after. Whatever is in neither table is refused.
_FLOWING = ("STARTED", "SUSPENDING", "SUSPENDED", "RESUMING")
_TOLD = ("STARTED", "SUSPENDING", "RESUMING")
_OVER = {"COMPLETED", "DEPROVISIONING", "DEPROVISIONED"}
TRANSFER_APPLIED: dict[tuple[Role, MessageKind], dict[str, str]] = {
    (CONSUMER, _M.TRANSFER_START): dict.fromkeys(("REQUESTING", "REQUESTED", "SUSPENDED", "RESUMING"), "STARTED"),
    (CONSUMER, _M.TRANSFER_COMPLETION): dict.fromkeys(("REQUESTING", "REQUESTED", *_TOLD), "COMPLETING"),
    (CONSUMER, _M.TRANSFER_SUSPENSION): dict.fromkeys(_TOLD, "SUSPENDED"),
    (CONSUMER, _M.TRANSFER_TERMINATION): dict.fromkeys(
        ("PREPARATION_REQUESTED", "REQUESTING", "REQUESTED", *_FLOWING), "TERMINATED"
    ),
    (PROVIDER, _M.TRANSFER_START): dict.fromkeys(("SUSPENDED", "RESUMING"), "STARTED"),
    (PROVIDER, _M.TRANSFER_COMPLETION): dict.fromkeys((*_TOLD, "COMPLETING"), "COMPLETED"),
    (PROVIDER, _M.TRANSFER_SUSPENSION): dict.fromkeys(_TOLD, "SUSPENDED"),
    (PROVIDER, _M.TRANSFER_TERMINATION): dict.fromkeys(("INITIAL", "STARTING", "COMPLETING", *_FLOWING), "TERMINATED"),
}
TRANSFER_KNOWN: dict[tuple[Role, MessageKind], set[str]] = {
    (CONSUMER, _M.TRANSFER_START): {"STARTED", "COMPLETING", *_OVER},
    (CONSUMER, _M.TRANSFER_COMPLETION): {"COMPLETING", *_OVER},
    (CONSUMER, _M.TRANSFER_SUSPENSION): {"SUSPENDED"},
    (CONSUMER, _M.TRANSFER_TERMINATION): {"TERMINATED"},
    (PROVIDER, _M.TRANSFER_START): {"STARTED", "COMPLETING", *_OVER},
    (PROVIDER, _M.TRANSFER_COMPLETION): _OVER,
    (PROVIDER, _M.TRANSFER_SUSPENSION): {"SUSPENDED"},
    (PROVIDER, _M.TRANSFER_TERMINATION): {"TERMINATED"},
}
PULL_APPLIED: dict[tuple[Role, MessageKind], dict[str, str]] = {
    **TRANSFER_APPLIED,
    (CONSUMER, _M.TRANSFER_START): dict.fromkeys(
        ("REQUESTING", "REQUESTED", "STARTED", "SUSPENDED", "RESUMING"), "STARTED"
    ),
    (CONSUMER, _M.TRANSFER_COMPLETION): dict.fromkeys((*_TOLD, "COMPLETING"), "COMPLETED"),
    (CONSUMER, _M.TRANSFER_TERMINATION): dict.fromkeys(
        ("REQUESTING", "REQUESTED", "COMPLETING", *_FLOWING), "TERMINATED"
    ),
    (PROVIDER, _M.TRANSFER_TERMINATION): dict.fromkeys(("STARTING", "COMPLETING", *_FLOWING), "TERMINATED"),
}
PULL_TOLD: dict[tuple[Role, MessageKind], set[str]] = {
    **TRANSFER_KNOWN,
    (CONSUMER, _M.TRANSFER_START): {"COMPLETING", *_OVER},
    (CONSUMER, _M.TRANSFER_COMPLETION): _OVER,
}
# A start that is on its way may have arrived: then the consumer may answer it with anything that STARTED allows.
TELLING_OF_START = {
    (PROVIDER, _M.TRANSFER_COMPLETION): "COMPLETED",
    (PROVIDER, _M.TRANSFER_SUSPENSION): "SUSPENDED",
}
NEGOTIATION_LIVE = tuple(state.value for state in NegotiationState if state not in NEGOTIATION_FINAL)
NEGOTIATION_APPLIED: dict[tuple[Role, MessageKind], dict[str, str]] = {
    (CONSUMER, _M.CONTRACT_OFFER): dict.fromkeys(("REQUESTING", "REQUESTED"), "ACCEPTING"),
    (CONSUMER, _M.CONTRACT_AGREEMENT): dict.fromkeys(("REQUESTING", "REQUESTED", "ACCEPTING", "ACCEPTED"), "VERIFYING"),
    (CONSUMER, _M.CONTRACT_FINALIZED): {"VERIFYING": "FINALIZED", "VERIFIED": "FINALIZED"},
    (CONSUMER, _M.CONTRACT_TERMINATION): dict.fromkeys(NEGOTIATION_LIVE, "TERMINATED"),
    (PROVIDER, _M.CONTRACT_REQUEST): dict.fromkeys(("OFFERING", "OFFERED"), "AGREEING"),
    (PROVIDER, _M.CONTRACT_ACCEPTED): dict.fromkeys(("OFFERING", "OFFERED"), "AGREEING"),
    (PROVIDER, _M.CONTRACT_VERIFICATION): {"AGREEING": "FINALIZING", "AGREED": "FINALIZING"},
    (PROVIDER, _M.CONTRACT_TERMINATION): dict.fromkeys(NEGOTIATION_LIVE, "TERMINATED"),
}
# Where the step of ours that follows waits for an order, the state in which it waits.
NEGOTIATION_WAITS: dict[str, str] = {"ACCEPTING": "OFFERED", "VERIFYING": "AGREED", "FINALIZING": "VERIFIED"}
NEGOTIATION_WAITS_OF_PROVIDER: dict[MessageKind, str] = {
    _M.CONTRACT_REQUEST: "REQUESTED",
    _M.CONTRACT_ACCEPTED: "ACCEPTED",
}
NEGOTIATION_TOLD: dict[tuple[Role, MessageKind], set[str]] = {
    (CONSUMER, _M.CONTRACT_AGREEMENT): {"AGREED", "VERIFYING", "VERIFIED"},
    (CONSUMER, _M.CONTRACT_FINALIZED): {"FINALIZED"},
    (CONSUMER, _M.CONTRACT_TERMINATION): {"TERMINATED"},
    (PROVIDER, _M.CONTRACT_ACCEPTED): {"ACCEPTED", "AGREEING", "AGREED"},
    (PROVIDER, _M.CONTRACT_VERIFICATION): {"VERIFIED", "FINALIZING", "FINALIZED"},
    (PROVIDER, _M.CONTRACT_TERMINATION): {"TERMINATED"},
}
# Order -> state before -> state after. Every other order is refused.
NEGOTIATION_ORDERED: dict[tuple[Role, CommandKind], dict[str, str]] = {
    (CONSUMER, CommandKind.REQUEST): {"OFFERED": "REQUESTING"},
    (CONSUMER, CommandKind.ACCEPT): {"OFFERED": "ACCEPTING"},
    (CONSUMER, CommandKind.VERIFY): {"AGREED": "VERIFYING"},
    (CONSUMER, CommandKind.TERMINATE): dict.fromkeys(NEGOTIATION_LIVE, "TERMINATED"),
    (PROVIDER, CommandKind.OFFER): {"REQUESTED": "OFFERING"},
    (PROVIDER, CommandKind.AGREE): {"REQUESTED": "AGREEING", "ACCEPTED": "AGREEING"},
    (PROVIDER, CommandKind.FINALIZE): {"VERIFIED": "FINALIZING"},
    (PROVIDER, CommandKind.TERMINATE): dict.fromkeys(NEGOTIATION_LIVE, "TERMINATED"),
}


@pytest.fixture(scope="module")
def side() -> Participant:
    """One participant that can be of either role; each test has a process of its own."""
    return make_participant(MemoryWorld(), settings_of("participant"))


type AnyProcess = TransferProcess | ContractNegotiation
type AnyRecord = Record[TransferProcess] | Record[ContractNegotiation]


def put(side: Participant, process: AnyProcess) -> AnyRecord:
    """The process as it lies in its store, whatever was there before."""
    if isinstance(process, TransferProcess):
        side.core.outside.transfers.delete(process.id)
        return side.core.outside.transfers.insert(process)
    side.core.outside.negotiations.delete(process.id)
    return side.core.outside.negotiations.insert(process)


def stored(side: Participant, process: AnyProcess) -> AnyRecord:
    outside = side.core.outside
    store = outside.transfers if isinstance(process, TransferProcess) else outside.negotiations
    record = store.load(process.id)
    assert record is not None
    return record


def receive(side: Participant, process: AnyProcess, message: Received) -> str | None:
    """Deliver a message as the other side; why it was refused."""
    service = side.core.transfers if isinstance(process, TransferProcess) else side.core.negotiations
    try:
        service.receive(process.id, process.role, process.counter_party_id, message)
    except IllegalTransition as error:
        return str(error)
    return None


def content_of(kind: MessageKind) -> Mapping[str, Json]:
    if kind is _M.CONTRACT_AGREEMENT:
        return agreement_content()
    if kind in (_M.CONTRACT_OFFER, _M.CONTRACT_REQUEST):
        return offer_content()
    return {"code": "PEER_REFUSED", "message": "no"}


def check(side: Participant, process: AnyProcess, kind: MessageKind, after: str | None, known: bool) -> None:
    """Deliver the message once, once more, and once with another body under the same id."""
    before = put(side, process)
    refused = receive(side, process, received(kind, content_of(kind)))
    now = stored(side, process)
    if after is None:
        assert (refused is None) is known, refused
        assert (now.etag, now.document) == (before.etag, before.document)
        return
    assert refused is None
    assert now.document.state_name == after
    assert Applied("m-1", "d-1") in now.document.inbox
    assert receive(side, process, received(kind, content_of(kind))) is None
    assert stored(side, process).etag == now.etag
    other_body = receive(side, process, received(kind, content_of(kind), digest="d-2"))
    assert other_body is not None and "came before with another body" in other_body
    assert stored(side, process).etag == now.etag


@pytest.mark.parametrize("state", TransferState)
@pytest.mark.parametrize("kind", TRANSFER_MESSAGES)
@pytest.mark.parametrize("role", Role)
def test_transfer_message_in_state_is_applied_known_or_refused(
    side: Participant, role: Role, kind: MessageKind, state: TransferState
) -> None:
    after = TRANSFER_APPLIED.get((role, kind), {}).get(state.value)
    if state is TransferState.STARTING:
        after = after or TELLING_OF_START.get((role, kind))
    known = state.value in TRANSFER_KNOWN.get((role, kind), set())
    check(side, transfer_in(role, state), kind, after, known)


@pytest.mark.parametrize("state", TransferState)
@pytest.mark.parametrize("kind", TRANSFER_MESSAGES)
@pytest.mark.parametrize("role", Role)
def test_pull_message_in_state_is_applied_known_or_refused(
    side: Participant, role: Role, kind: MessageKind, state: TransferState
) -> None:
    after = PULL_APPLIED.get((role, kind), {}).get(state.value)
    known = state.value in PULL_TOLD.get((role, kind), set())
    check(side, pull_in(role, state), kind, after, known)


@pytest.mark.parametrize("kind", [_M.TRANSFER_SUSPENSION, _M.TRANSFER_COMPLETION])
def test_pull_that_tells_of_its_start_takes_what_the_start_allows(side: Participant, kind: MessageKind) -> None:
    starting = pull_in(PROVIDER, TransferState.STARTING)
    telling = decided(starting, done(starting, IntentKind.START_DATA_FLOW, {"state": "STARTED"}))
    check(side, telling, kind, TELLING_OF_START[PROVIDER, kind], known=False)


@pytest.mark.parametrize("manual", [False, True], ids=["auto", "manual"])
@pytest.mark.parametrize("state", NegotiationState)
@pytest.mark.parametrize("kind", NEGOTIATION_MESSAGES)
@pytest.mark.parametrize("role", Role)
def test_negotiation_message_in_state_is_applied_known_or_refused(
    side: Participant, role: Role, kind: MessageKind, state: NegotiationState, manual: bool
) -> None:
    after = NEGOTIATION_APPLIED.get((role, kind), {}).get(state.value)
    if manual and after is not None:
        after = NEGOTIATION_WAITS_OF_PROVIDER.get(kind, NEGOTIATION_WAITS.get(after, after))
    known = state.value in NEGOTIATION_TOLD.get((role, kind), set())
    check(side, negotiation_in(role, state, manual=manual), kind, after, known)


@pytest.mark.parametrize("state", NegotiationState)
@pytest.mark.parametrize("kind", CommandKind)
@pytest.mark.parametrize("role", Role)
def test_order_to_a_negotiation_is_obeyed_where_it_is_our_turn_and_else_refused(
    role: Role, kind: CommandKind, state: NegotiationState
) -> None:
    before = negotiation_in(role, state)
    decision = NegotiationRules().decide(before, Command(kind), moment())
    after = NEGOTIATION_ORDERED.get((role, kind), {}).get(state.value)
    if after is None:
        assert decision.process is before
        assert decision.refused == f"{kind} is not allowed in state {state}"
    else:
        assert (decision.refused, decision.process.state) == (None, after)


def test_tables_say_what_is_expected_here() -> None:
    assert _names(PUSH_ACCEPTS) == {key: set(after) for key, after in TRANSFER_APPLIED.items()}
    assert _names(PUSH_KNOWN) == TRANSFER_KNOWN
    assert _names(PULL_ACCEPTS) == {key: set(after) for key, after in PULL_APPLIED.items()}
    assert _names(PULL_KNOWN) == PULL_TOLD
    assert _names(NEGOTIATION_ACCEPTS) == {key: set(after) for key, after in NEGOTIATION_APPLIED.items()}
    assert _names(NEGOTIATION_KNOWN) == NEGOTIATION_TOLD
    orders = {key: set(after) for key, after in NEGOTIATION_ORDERED.items() if key[1] is not CommandKind.TERMINATE}
    told = {(role, kind): states for role, row in NEGOTIATION_ORDERS.items() for kind, states in row.items()}
    assert {key: {it.value for it in states} for key, states in told.items()} == orders


def test_nothing_is_both_applied_and_known() -> None:
    for role, kind in product(Role, MessageKind):
        assert not PUSH_ACCEPTS[role].get(kind, frozenset()) & PUSH_KNOWN[role].get(kind, frozenset())
        assert not PULL_ACCEPTS[role].get(kind, frozenset()) & PULL_KNOWN[role].get(kind, frozenset())
        assert not NEGOTIATION_ACCEPTS[role].get(kind, frozenset()) & NEGOTIATION_KNOWN[role].get(kind, frozenset())


def test_only_a_termination_is_applied_in_no_final_state() -> None:
    for role, kind in product(Role, MessageKind):
        assert not PUSH_ACCEPTS[role].get(kind, frozenset()) & TRANSFER_FINAL
        assert not PULL_ACCEPTS[role].get(kind, frozenset()) & TRANSFER_FINAL
        assert not NEGOTIATION_ACCEPTS[role].get(kind, frozenset()) & NEGOTIATION_FINAL


def test_every_state_has_a_code_of_its_own_and_a_name_in_the_protocol() -> None:
    assert set(TRANSFER_CODES) == set(TRANSFER_DSP) == set(TransferState)
    assert set(NEGOTIATION_CODES) == set(NEGOTIATION_DSP) == set(NegotiationState)
    for codes in (TRANSFER_CODES.values(), NEGOTIATION_CODES.values()):
        assert len(set(codes)) == len(list(codes))
    assert set(TRANSFER_DSP.values()) <= {"REQUESTED", "STARTED", "SUSPENDED", "COMPLETED", "TERMINATED"}
    of_the_protocol = {"REQUESTED", "OFFERED", "ACCEPTED", "AGREED", "VERIFIED", "FINALIZED", "TERMINATED"}
    assert set(NEGOTIATION_DSP.values()) == of_the_protocol


@pytest.mark.parametrize(
    ("before", "state", "shown"),
    [
        ("OFFERED", "REQUESTING", "OFFERED"),
        ("REQUESTED", "OFFERING", "REQUESTED"),
        ("OFFERED", "ACCEPTING", "OFFERED"),
        ("ACCEPTED", "AGREEING", "ACCEPTED"),
        ("REQUESTED", "AGREEING", "REQUESTED"),
        ("AGREED", "VERIFYING", "AGREED"),
        ("VERIFIED", "FINALIZING", "VERIFIED"),
    ],
)
def test_protocol_sees_the_state_before_while_a_message_is_under_way(before: str, state: str, shown: str) -> None:
    began = negotiation_in(PROVIDER, NegotiationState(before)).noted(NOW, "before")
    assert replace(began, state=NegotiationState(state)).noted(NOW, "now").dsp_state == shown


def test_protocol_sees_the_first_state_of_a_negotiation_whose_first_message_is_under_way() -> None:
    assert negotiation_in(CONSUMER, NegotiationState.REQUESTING).dsp_state == "REQUESTED"
    offered = negotiation_provider.offer(contract_demand(correlation_id=None), moment())
    assert (offered.state, offered.dsp_state) == (NegotiationState.OFFERING, "OFFERED")


def test_claim_under_examination_is_still_started_to_the_protocol() -> None:
    assert transfer_in(CONSUMER, TransferState.COMPLETING).dsp_state == "STARTED"


@pytest.mark.parametrize("state", [TransferState.DEPROVISIONING, TransferState.DEPROVISIONED])
def test_deprovisioned_transfer_shows_how_it_ended(state: TransferState) -> None:
    completed = transfer_in(CONSUMER, state)
    assert completed.dsp_state == "COMPLETED"
    failed = transfer_in(CONSUMER, TransferState.TERMINATED)
    assert _in_state(failed, state).dsp_state == "TERMINATED"


def _in_state(process: TransferProcess, state: TransferState) -> TransferProcess:
    return replace(process, state=state)


def _names(
    table: Mapping[Role, Mapping[MessageKind, Iterable[TransferState | NegotiationState]]],
) -> dict[tuple[Role, MessageKind], set[str]]:
    return {(role, kind): {it.value for it in states} for role, row in table.items() for kind, states in row.items()}
