"""Processes in any state, led there by the decisions themselves, and the tasks that lead them on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ferry.adapters.ids import SequentialIds
from ferry.control_plane import consumer_decisions, negotiation_consumer, negotiation_provider, provider_decisions
from ferry.control_plane.consumer_decisions import TransferOrder
from ferry.control_plane.negotiation_decisions import ContractOrder
from ferry.control_plane.provider_decisions import TransferDemand
from ferry.control_plane.rules import NegotiationRules, TransferRules
from ferry.domain.contracts import ContractAgreement, ContractNegotiation
from ferry.domain.data_address import DestinationAddress, SourceAddress
from ferry.domain.decision import Command, CommandKind, Decision, Done, Failed, Limits, Moment, Received, Task
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import Intent, IntentKind, Json, JsonObject, Process
from ferry.domain.states import NegotiationState, TransferState
from ferry.domain.transfer_process import TransferProcess

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONSUMER_PID = "consumer-pid"
PROVIDER_PID = "provider-pid"
AWAY = Fault(FaultCode.PEER_UNREACHABLE, "nobody answers", retryable=True)
FINAL_FAULT = Fault(FaultCode.PEER_REFUSED, "no")
USE: JsonObject = {"permission": [{"action": "use"}]}
VERIFIED: JsonObject = {"outcome": "verified", "blobs": 2, "bytes": 7, "root": "r"}
COMPLETED_FLOW: JsonObject = {"state": "COMPLETED", "summary": {"blobs": 2, "bytes": 7, "root": "r", "other": 1}}
TERMINATE = Command(CommandKind.TERMINATE, "enough")
SUSPEND = Command(CommandKind.SUSPEND, "a pause")
RESUME = Command(CommandKind.RESUME)
COMPLETE = Command(CommandKind.COMPLETE)
DEPROVISION = Command(CommandKind.DEPROVISION, "tidy up")

_IDS = SequentialIds("fresh")


def moment(seconds: float = 0.0, limits: Limits | None = None) -> Moment:
    """So many seconds after NOW; ids are never given twice."""
    return Moment(NOW + timedelta(seconds=seconds), _IDS, limits or Limits())


def received(
    kind: MessageKind, content: JsonObject | None = None, *, message_id: str = "m-1", digest: str = "d-1"
) -> Received:
    """A message with both pids."""
    pids: dict[str, Json] = {"consumerPid": CONSUMER_PID, "providerPid": PROVIDER_PID}
    return Received(kind, message_id, digest, {**pids, **(content or {})})


def decided(process: TransferProcess, task: Task, at: Moment | None = None) -> TransferProcess:
    """The transfer after a task that is not refused."""
    decision = judged(process, task, at)
    assert decision.refused is None, decision.refused
    return decision.process


def judged(process: TransferProcess, task: Task, at: Moment | None = None) -> Decision[TransferProcess]:
    """What is decided about a transfer."""
    return TransferRules().decide(process, task, at or moment())


def negotiated(process: ContractNegotiation, task: Task, at: Moment | None = None) -> ContractNegotiation:
    """The negotiation after a task that is not refused."""
    decision = NegotiationRules().decide(process, task, at or moment())
    assert decision.refused is None, decision.refused
    return decision.process


def intent_of(process: Process, kind: IntentKind) -> Intent:
    """The only intent of that kind."""
    (found,) = [intent for intent in process.intents if intent.kind is kind]
    return found


def kinds(process: Process) -> list[IntentKind]:
    """What the process still has to do, in order."""
    return [intent.kind for intent in process.intents]


def messages(process: Process) -> list[str]:
    """The messages that it still has to send, in order."""
    return [str(intent.detail["message"]) for intent in process.intents if intent.kind is IntentKind.SEND_MESSAGE]


def done(process: Process, kind: IntentKind, result: JsonObject | None = None) -> Done:
    """The only intent of that kind was performed."""
    return Done(intent_of(process, kind).id, kind, result or {})


def failed(process: Process, kind: IntentKind, fault: Fault = AWAY) -> Failed:
    """The only intent of that kind could not be performed."""
    return Failed(intent_of(process, kind).id, fault)


# --- the consumer's side ----------------------------------------------------------------------------------------

_NEXT_OF_CONSUMER: dict[TransferState, TransferState] = {
    TransferState.REQUESTING: TransferState.PREPARATION_REQUESTED,
    TransferState.REQUESTED: TransferState.REQUESTING,
    TransferState.STARTED: TransferState.REQUESTED,
    TransferState.SUSPENDING: TransferState.STARTED,
    TransferState.SUSPENDED: TransferState.SUSPENDING,
    TransferState.RESUMING: TransferState.SUSPENDED,
    TransferState.COMPLETING: TransferState.STARTED,
    TransferState.COMPLETED: TransferState.COMPLETING,
    TransferState.TERMINATED: TransferState.STARTED,
    TransferState.DEPROVISIONING: TransferState.COMPLETED,
    TransferState.DEPROVISIONED: TransferState.DEPROVISIONING,
}


def consumer_in(state: TransferState) -> TransferProcess:
    """The consumer's transfer in that state, by the shortest way; states that it never has are forced."""
    if state in (TransferState.INITIAL, TransferState.STARTING):
        return replace(consumer_in(TransferState.PREPARATION_REQUESTED), state=state)
    if state is TransferState.PREPARATION_REQUESTED:
        return consumer_decisions.initiate(order(), moment())
    before = consumer_in(_NEXT_OF_CONSUMER[state])
    return _led_on(before, _task_of_consumer(before, state))


def _task_of_consumer(before: TransferProcess, state: TransferState) -> Task:
    match state:
        case TransferState.REQUESTING:
            return done(before, IntentKind.PREPARE_DESTINATION)
        case TransferState.REQUESTED | TransferState.SUSPENDED:
            return done(before, IntentKind.SEND_MESSAGE, {"providerPid": PROVIDER_PID})
        case TransferState.STARTED:
            return received(MessageKind.TRANSFER_START, message_id="start")
        case TransferState.COMPLETING:
            return received(MessageKind.TRANSFER_COMPLETION, message_id="completion")
        case TransferState.COMPLETED:
            return done(before, IntentKind.VERIFY_DELIVERY, VERIFIED)
        case TransferState.TERMINATED:
            return received(MessageKind.TRANSFER_TERMINATION, {"code": "SOURCE_CHANGED"}, message_id="end")
        case TransferState.DEPROVISIONED:
            return done(before, IntentKind.REMOVE_DESTINATION)
        case _:
            return _ORDERS[state]


_ORDERS: dict[TransferState, Task] = {
    TransferState.SUSPENDING: SUSPEND,
    TransferState.RESUMING: RESUME,
    TransferState.DEPROVISIONING: DEPROVISION,
}


def order() -> TransferOrder:
    """A transfer into a container of our own."""
    return TransferOrder(
        counter_party_id="provider",
        counter_party_address="http://provider.test/api/dsp/2025-1",
        agreement_id="agreement-1",
        asset_id="asset-1",
        destination=DestinationAddress("consumerdata"),
        process_id=CONSUMER_PID,
    )


# --- the provider's side ----------------------------------------------------------------------------------------

_NEXT_OF_PROVIDER: dict[TransferState, TransferState] = {
    TransferState.STARTING: TransferState.INITIAL,
    TransferState.STARTED: TransferState.STARTING,
    TransferState.SUSPENDING: TransferState.STARTED,
    TransferState.SUSPENDED: TransferState.STARTED,
    TransferState.RESUMING: TransferState.SUSPENDED,
    TransferState.COMPLETING: TransferState.STARTED,
    TransferState.COMPLETED: TransferState.COMPLETING,
    TransferState.TERMINATED: TransferState.STARTED,
    TransferState.DEPROVISIONING: TransferState.STARTED,
    TransferState.DEPROVISIONED: TransferState.COMPLETED,
}


def provider_in(state: TransferState) -> TransferProcess:
    """The provider's transfer in that state, by the shortest way; states of the consumer alone are forced."""
    if state is TransferState.INITIAL:
        return provider_decisions.accept(demand(), moment())
    if state not in _NEXT_OF_PROVIDER:
        return replace(provider_in(TransferState.INITIAL), state=state)
    before = provider_in(_NEXT_OF_PROVIDER[state])
    return _led_on(before, _task_of_provider(before, state))


def _task_of_provider(before: TransferProcess, state: TransferState) -> Task:
    match state:
        case TransferState.STARTING:
            return done(before, IntentKind.STORE_ADDRESS)
        case TransferState.STARTED | TransferState.COMPLETED:
            return done(before, IntentKind.SEND_MESSAGE)
        case TransferState.SUSPENDING:
            return SUSPEND
        case TransferState.SUSPENDED:
            return received(MessageKind.TRANSFER_SUSPENSION, message_id="suspension")
        case TransferState.RESUMING:
            return RESUME
        case TransferState.COMPLETING:
            return done(before, IntentKind.START_DATA_FLOW, COMPLETED_FLOW)
        case TransferState.TERMINATED:
            return received(MessageKind.TRANSFER_TERMINATION, {"code": "VERIFICATION_FAILED"}, message_id="end")
        case _:
            return DEPROVISION


def _led_on(before: TransferProcess, task: Task) -> TransferProcess:
    after = decided(before, task)
    if after.state is TransferState.DEPROVISIONING or not after.is_final:
        return after
    return replace(after, intents=())


def demand() -> TransferDemand:
    """A consumer's request that was found good."""
    return TransferDemand(
        process_id=PROVIDER_PID,
        consumer_pid=CONSUMER_PID,
        counter_party_id="consumer",
        callback_address="http://consumer.test/api/dsp/2025-1/consumer",
        agreement_id="agreement-1",
        asset_id="asset-1",
        source=SourceAddress("providerdata", "source", None, ""),
        destination=DestinationAddress("consumerdata", "ferry-consumer-pid"),
        request_digest="request",
    )


def transfer_in(role: Role, state: TransferState) -> TransferProcess:
    """A transfer of that side in that state."""
    return consumer_in(state) if role is Role.CONSUMER else provider_in(state)


# --- pulls ------------------------------------------------------------------------------------------------------

PULL = "HttpData-PULL"
_FORCED_IN_PULLS = frozenset({TransferState.INITIAL, TransferState.PREPARATION_REQUESTED})


def pull_in(role: Role, state: TransferState) -> TransferProcess:
    """A pull of that side in that state, by the shortest way; states that it never has are forced."""
    is_consumer = role is Role.CONSUMER
    begun = _pull_of_consumer() if is_consumer else _pull_of_provider()
    never = TransferState.STARTING if is_consumer else TransferState.REQUESTING
    if state is begun.state:
        return begun
    if state in _FORCED_IN_PULLS or state is never or (not is_consumer and state is TransferState.REQUESTED):
        return replace(begun, state=state)
    if state is TransferState.REQUESTED:
        return decided(begun, done(begun, IntentKind.SEND_MESSAGE, {"providerPid": PROVIDER_PID}))
    if state is TransferState.STARTED:
        return _started_pull(begun)
    started = _started_pull(begun)
    tasks: dict[TransferState, tuple[Task, ...]] = {
        TransferState.SUSPENDING: (SUSPEND,),
        TransferState.SUSPENDED: (received(MessageKind.TRANSFER_SUSPENSION, message_id="suspension"),),
        TransferState.RESUMING: (received(MessageKind.TRANSFER_SUSPENSION, message_id="suspension"), RESUME),
        TransferState.COMPLETING: (COMPLETE,),
        TransferState.COMPLETED: (received(MessageKind.TRANSFER_COMPLETION, message_id="completion"),),
        TransferState.TERMINATED: (received(MessageKind.TRANSFER_TERMINATION, {"code": "GONE"}, message_id="end"),),
        TransferState.DEPROVISIONING: (DEPROVISION,),
        TransferState.DEPROVISIONED: (received(MessageKind.TRANSFER_COMPLETION, message_id="completion"), DEPROVISION),
    }
    for task in tasks[state]:
        started = _led_on(started, task)
    return started


def _pull_of_consumer() -> TransferProcess:
    wanted = replace(order(), transfer_type=PULL, destination=None)
    return consumer_decisions.initiate(wanted, moment())


def _pull_of_provider() -> TransferProcess:
    asked = replace(demand(), transfer_type=PULL, destination=None)
    return provider_decisions.accept(asked, moment())


def _started_pull(begun: TransferProcess) -> TransferProcess:
    """A pull whose address lies in the vault of that side."""
    if begun.role is Role.CONSUMER:
        told = decided(begun, received(MessageKind.TRANSFER_START, {"hasAddress": True}, message_id="start"))
        return decided(told, done(told, IntentKind.STORE_ADDRESS))
    ready = decided(begun, done(begun, IntentKind.START_DATA_FLOW, {"state": "STARTED"}))
    return decided(ready, done(ready, IntentKind.SEND_MESSAGE))


# --- negotiations -----------------------------------------------------------------------------------------------


def contract_order(**changes: object) -> ContractOrder:
    """A consumer's wish for an offer."""
    wish = ContractOrder(
        counter_party_id="provider",
        counter_party_address="http://provider.test/api/dsp/2025-1",
        offer_id="offer-1",
        asset_id="asset-1",
        policy=USE,
        process_id=CONSUMER_PID,
        participant_ids=("consumer",),
    )
    return replace(wish, **changes)


def contract_demand(**changes: object) -> ContractOrder:
    """The same wish as the provider hears of it."""
    asked = contract_order(
        process_id=PROVIDER_PID,
        correlation_id=CONSUMER_PID,
        counter_party_id="consumer",
        counter_party_address="http://consumer.test/api/dsp/2025-1/consumer",
        participant_ids=("provider",),
    )
    return replace(asked, **changes)


def offer_content(**changes: Json) -> JsonObject:
    """What a ContractOfferMessage or a ContractRequestMessage for `contract_order` says."""
    return {"offer": {"@id": "offer-1", "@type": "Offer", "target": "asset-1", **USE, **changes}}


def agreement_content(**changes: Json) -> JsonObject:
    """What a ContractAgreementMessage for `contract_order` says."""
    agreement = {"@id": "agreement-1", "target": "asset-1", "assigner": "provider", "assignee": "consumer", **USE}
    return {"agreement": {**agreement, **changes}}


_AGREED = frozenset(
    {
        NegotiationState.AGREEING,
        NegotiationState.AGREED,
        NegotiationState.VERIFYING,
        NegotiationState.VERIFIED,
        NegotiationState.FINALIZING,
        NegotiationState.FINALIZED,
    }
)


def negotiation_in(role: Role, state: NegotiationState, *, manual: bool = False) -> ContractNegotiation:
    """A negotiation of that side in that state; the other side's pid is known, and the agreement where there is one."""
    if role is Role.CONSUMER:
        begun = negotiation_consumer.initiate(contract_order(manual=manual), moment())
    else:
        begun = negotiation_provider.accept(contract_demand(manual=manual), moment())
    agreement = ContractAgreement(
        id="agreement-1",
        created_at=NOW,
        signed_at=NOW,
        provider_id="provider",
        consumer_id="consumer",
        asset_id="asset-1",
        policy=USE,
        negotiation_id=begun.id,
        role=role,
    )
    known = PROVIDER_PID if role is Role.CONSUMER else CONSUMER_PID
    agreed = agreement if state in _AGREED else None
    return replace(begun, state=state, correlation_id=known, agreement=agreed, intents=())
