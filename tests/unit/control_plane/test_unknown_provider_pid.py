"""A consumer that learns of the delivery before it has learned the provider's pid, whose answers were lost."""

from dataclasses import replace

from ferry.domain.decision import Claim, ClaimSource
from ferry.domain.message_kind import MessageKind
from ferry.domain.process import IntentKind
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from tests.unit.control_plane.processes import PROVIDER_PID, VERIFIED, consumer_in, decided, done, judged, received


def found_by_trigger() -> TransferProcess:
    """A transfer whose request was not answered yet when its marker was found."""
    return decided(consumer_in(TransferState.REQUESTING), Claim(ClaimSource.TRIGGER))


def test_verified_manifest_tells_the_providers_pid() -> None:
    process = found_by_trigger()
    result = {**VERIFIED, "provider_pid": PROVIDER_PID}
    completed = decided(process, done(process, IntentKind.VERIFY_DELIVERY, result))
    assert (completed.state, completed.correlation_id) == (TransferState.COMPLETED, PROVIDER_PID)


def test_completion_of_a_completed_transfer_tells_the_providers_pid() -> None:
    process = found_by_trigger()
    completed = decided(process, done(process, IntentKind.VERIFY_DELIVERY, VERIFIED))
    assert completed.correlation_id is None
    told = decided(completed, received(MessageKind.TRANSFER_COMPLETION))
    assert told == replace(completed, correlation_id=PROVIDER_PID)


def test_refused_message_tells_nothing() -> None:
    process = consumer_in(TransferState.PREPARATION_REQUESTED)
    decision = judged(process, received(MessageKind.TRANSFER_START))
    assert decision.refused is not None
    assert decision.process == process
