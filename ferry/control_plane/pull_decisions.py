"""What is peculiar to a pull: the data address that a start brings, and completion by whoever says so. Pure.

The consumer has no container and checks nothing: its client reads from the data address, and either side's word ends
it. The address is a secret. It lies in the vault of each side from the start to the end of the transfer, also while it
is suspended, for a resumption need not bring a new one; documents hold its name.
"""

from dataclasses import replace

from ferry.control_plane import steps
from ferry.control_plane import transfer_decisions as common
from ferry.domain.decision import Decision, Moment, Received
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import IntentKind
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess

type Outcome = Decision[TransferProcess]

_S = TransferState


def begun(process: TransferProcess, moment: Moment) -> TransferProcess:
    """A new pull with the name of its data address: the consumer asks at once, the provider starts the flow first."""
    named = replace(process, address_secret=f"ferry-edr-{moment.ids.fresh()}")
    if process.role is Role.CONSUMER:
        entered = common.enter(named, _S.REQUESTING, moment, "a pull: nothing is to be prepared")
        return entered.with_intents(steps.send(moment, MessageKind.TRANSFER_REQUEST))
    entered = common.enter(named, _S.STARTING, moment, "a pull: the data plane is asked for an address", 6)
    return entered.with_intents(steps.intent(moment, IntentKind.START_DATA_FLOW))


def start_told(process: TransferProcess, received: Received, moment: Moment) -> TransferProcess:
    """The provider has started; STARTED when the address that it brings lies in our vault."""
    heard = process.without_kinds(IntentKind.SEND_MESSAGE)
    if received.content.get("hasAddress") is True:
        waiting = heard.without_kinds(IntentKind.STORE_ADDRESS)
        return waiting.with_intents(steps.intent(moment, IntentKind.STORE_ADDRESS))
    return process if process.state is _S.STARTED else _started(heard, moment)


def address_stored(process: TransferProcess, moment: Moment) -> TransferProcess:
    """The data address lies in our vault."""
    if process.is_final or process.state is _S.DEPROVISIONING:
        return process
    stored = replace(process, has_address=True)
    if process.state in (_S.REQUESTING, _S.REQUESTED, _S.SUSPENDED, _S.RESUMING):
        return _started(stored, moment)
    return stored.noted(moment.now, "new data address stored in our vault", 7)


def complete(process: TransferProcess, moment: Moment) -> Outcome:
    """Our client says that everything is read, or that no more is to be read."""
    if process.is_pull and process.state in (_S.COMPLETING, _S.COMPLETED):
        return Decision(process)
    if not process.is_pull or process.state is not _S.STARTED:
        kind = "" if process.is_pull else f" of {process.transfer_type}, which is completed by its marker"
        return Decision(process, refused=f"complete is not allowed in state {process.state.value}{kind}")
    entered = common.enter(process, _S.COMPLETING, moment, "said to be complete by the client", 12)
    entered = entered.without_kinds(IntentKind.SEND_MESSAGE, *common.FLOW_WORK)
    entered = entered.with_intents(steps.send(moment, MessageKind.TRANSFER_COMPLETION))
    return Decision(ended_at_plane(entered, moment))


def completed(process: TransferProcess, moment: Moment, what: str) -> TransferProcess:
    """COMPLETED; the address is worth nothing any more."""
    over = common.enter(process.without_kinds(*common.UNFINISHED_WORK), _S.COMPLETED, moment, what, 12)
    if process.role is Role.CONSUMER:
        return common.without_address(over, moment, storing=process.has_intent(IntentKind.STORE_ADDRESS))
    return over.with_intents(steps.intent(moment, IntentKind.DROP_SECRET))


def completed_by_peer(process: TransferProcess, moment: Moment) -> TransferProcess:
    """The other side says that it is complete: so it is."""
    told = process.has_intent(IntentKind.COMPLETE_DATA_FLOW) or process.state is _S.COMPLETING
    over = completed(process, moment, "said to be complete by the other side")
    return over if told else ended_at_plane(over, moment)


def ended_at_plane(process: TransferProcess, moment: Moment) -> TransferProcess:
    """The provider's data plane is told that nobody reads any more, for as long as it makes sense."""
    if process.role is Role.CONSUMER:
        return process
    ending = steps.intent(moment, IntentKind.COMPLETE_DATA_FLOW)
    return process.with_intents(steps.at_plane(moment, ending))


def forgotten(process: TransferProcess, moment: Moment) -> Outcome:
    """Our client needs the data address no more."""
    return Decision(common.without_address(process, moment, storing=False))


def _started(process: TransferProcess, moment: Moment) -> TransferProcess:
    return common.enter(process, _S.STARTED, moment, "the provider has started", 7)
