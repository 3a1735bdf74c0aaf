"""A transfer lives no longer than its agreement: when that runs out, and the end that follows. Pure.

While a transfer runs its policy says the same to it until that moment, for the participant and what its request stated
stay as they are: so it is evaluated once, when the transfer begins, and start, resumption and every renewal of access
ask for the moment alone. What has been delivered by then is left to be found complete.
"""

from datetime import datetime

from ferry.control_plane import transfer_decisions
from ferry.domain.contracts import ContractAgreement
from ferry.domain.decision import Decision, Moment
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.policy import PolicyContext, PolicyScope, ends_at, stated_claims
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess

_DELIVERED = frozenset({TransferState.COMPLETING, TransferState.DEPROVISIONING})


def transfer_context(
    agreement: ContractAgreement, consumer_id: str, purpose: str | None, now: datetime
) -> PolicyContext:
    """In which a transfer's policy is evaluated: for the purpose that its request states, or else its negotiation."""
    stated = purpose or agreement.purpose
    return PolicyContext(consumer_id, now, stated_claims(stated), PolicyScope.TRANSFER, agreement.signed_at)


def agreement_end(
    agreement: ContractAgreement, consumer_id: str, purpose: str | None, now: datetime
) -> datetime | None:
    """When the agreement stops allowing a transfer that it allows now; None where it never does."""
    return ends_at(agreement.policy, transfer_context(agreement, consumer_id, purpose, now))


def expiry(process: TransferProcess, now: datetime) -> Fault | None:
    """Why nothing may be started, resumed or renewed for this transfer any more; None while its agreement holds."""
    if process.agreement_ends_at is None or now < process.agreement_ends_at:
        return None
    ran_out = process.agreement_ends_at.isoformat(timespec="seconds")
    text = f"agreement {process.agreement_id} of transfer {process.id} ran out at {ran_out}; negotiate a new one"
    return Fault(FaultCode.AGREEMENT_EXPIRED, text, step=transfer_decisions.STEP_OF_STATE.get(process.state))


def kept_within(decision: Decision[TransferProcess], moment: Moment) -> Decision[TransferProcess]:
    """The decision, or the end of the transfer where its agreement has run out meanwhile."""
    fault = expiry(decision.process, moment.now)
    if fault is None or decision.refused is not None or not _may_end(decision.process):
        return decision
    return Decision(transfer_decisions.terminate(decision.process, fault, moment, tell_peer=True))


def next_look_at(process: TransferProcess, wanted: datetime | None) -> datetime | None:
    """The earlier one of the look that is wanted anyway and the end of the agreement."""
    if process.agreement_ends_at is None or not _may_end(process):
        return wanted
    return process.agreement_ends_at if wanted is None else min(wanted, process.agreement_ends_at)


def _may_end(process: TransferProcess) -> bool:
    return not process.is_final and process.state not in _DELIVERED
