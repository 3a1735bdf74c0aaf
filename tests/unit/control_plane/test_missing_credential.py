"""A transfer that fails for want of a credential (step 2): nothing was created, so nothing is tried for ever."""

from ferry.control_plane import consumer_decisions
from ferry.domain.decision import Command, CommandKind, Failed, Moment
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.process import IntentKind
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from tests.world.participants import Pair, make_pair

MISSING = Fault(FaultCode.DESTINATION_KEY_MISSING, "no key", step=2)
AWAY = Fault(FaultCode.VAULT_UNAVAILABLE, "no answer", retryable=True, step=4)
DEPROVISION = Command(CommandKind.DEPROVISION)


def keyless_pair() -> Pair:
    pair = make_pair()
    pair.consumer.core.outside.vault.delete("consumerdata")
    return pair


def started(pair: Pair) -> TransferProcess:
    handled = pair.consumer.core.transfers.initiate(pair.order(), inline_seconds=1)
    pair.consumer.emit(handled.looks)
    pair.run()
    return pair.transfer(handled.process.id)


def failed_with(process: TransferProcess, fault: Fault, moment: Moment) -> TransferProcess:
    preparing = next(intent for intent in process.intents if intent.kind is IntentKind.PREPARE_DESTINATION)
    return consumer_decisions.decide(process, Failed(preparing.id, fault), moment).process


def test_transfer_without_a_key_ends_and_comes_to_rest() -> None:
    process = started(keyless_pair())
    assert process.state is TransferState.TERMINATED
    assert process.error is not None
    assert (process.error.code, process.error.step) == (FaultCode.DESTINATION_KEY_MISSING, 2)
    assert process.is_settled


def test_transfer_without_a_key_is_deprovisioned_without_one() -> None:
    pair = keyless_pair()
    process = started(pair)
    pair.consumer.core.transfers.command(process.id, DEPROVISION, inline_seconds=1)
    assert pair.transfer(process.id).state is TransferState.DEPROVISIONED
    assert pair.transfer(process.id).is_settled


def test_key_that_is_lost_after_a_first_attempt_leaves_the_clean_up_waiting_for_it() -> None:
    pair = make_pair()
    moment = pair.consumer.core.transfers.engine.moment()
    begun = consumer_decisions.initiate(pair.order(), moment)
    ended = failed_with(failed_with(begun, AWAY, moment), MISSING, moment)
    assert ended.state is TransferState.TERMINATED
    assert ended.has_intent(IntentKind.REVOKE_ACCESS)
    asked = consumer_decisions.decide(ended, DEPROVISION, moment).process
    assert asked.has_intent(IntentKind.REMOVE_DESTINATION)
