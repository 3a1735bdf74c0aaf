"""Renewing the SAS of a push that takes longer than its SAS lasts. Pure: no I/O, no clock.

The provider asks when two thirds of the life of a SAS are over, and again with pauses that double, for as long as it is
valid. The consumer gives a new end when half of that life is over, and else tells the address that there is: however
often it is asked, a SAS is renewed once in half of its life.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from ferry.control_plane import steps
from ferry.control_plane import transfer_decisions as common
from ferry.domain.decision import Decision, Done, Moment, RenewalAsked
from ferry.domain.faults import Fault
from ferry.domain.process import Intent, IntentKind
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import NEW_END, Destination, TransferProcess

KINDS = frozenset({IntentKind.RENEW_ADDRESS, IntentKind.EXTEND_ACCESS})
# Where the consumer tells its provider an address: it has been asked for the data, and nobody says that they are there.
TELLING = frozenset(
    {
        TransferState.REQUESTED,
        TransferState.STARTED,
        TransferState.SUSPENDING,
        TransferState.SUSPENDED,
        TransferState.RESUMING,
    }
)
_ASKED_AFTER = 2 / 3
_GIVEN_AFTER = 1 / 2
_LONGEST_PAUSE_SECONDS = 3600.0
# A consumer that gives a moment more each time is not asked all the time.
LEAST_PAUSE = timedelta(seconds=30)


# --- the provider's side --------------------------------------------------------------------------------------------


def renew_at(*, renews: bool, expires_at: datetime | None, now: datetime) -> datetime | None:
    """When to ask for a longer SAS; None where the consumer does not renew it, or it says no end."""
    if not renews or expires_at is None or expires_at <= now:
        return None
    return now + max((expires_at - now) * _ASKED_AFTER, LEAST_PAUSE)


def next_look_at(process: TransferProcess) -> datetime | None:
    """When the provider wants to look at its transfer to renew the SAS."""
    return process.urgent_at


def looked_at(process: TransferProcess, moment: Moment) -> TransferProcess:
    """The provider's transfer; it asks for a longer SAS, before anything else, where that is due."""
    destination, due_at = process.destination, process.urgent_at
    if destination is None or due_at is None or due_at > moment.now or process.has_intent(IntentKind.RENEW_ADDRESS):
        return process
    until = moment.now + timedelta(seconds=moment.limits.effect_seconds)
    asking = replace(
        steps.intent(moment, IntentKind.RENEW_ADDRESS), give_up_at=max(until, destination.sas_expires_at or until)
    )
    return replace(process, destination=replace(destination, renew_at=None), intents=(asking, *process.intents))


def renewed(process: TransferProcess, done: Done, moment: Moment) -> TransferProcess:
    """The consumer has given the SAS a new end, and it lies in our vault."""
    expires_at = _new_end(done)
    if process.destination is None or expires_at is None:
        return process
    due_at = renew_at(renews=process.destination.renews, expires_at=expires_at, now=moment.now)
    destination = replace(process.destination, sas_expires_at=expires_at, renew_at=due_at)
    told = replace(process, destination=destination).noted(moment.now, f"SAS renewed until {_shown(expires_at)}")
    return common.within_access(told, moment)


# --- the consumer's side --------------------------------------------------------------------------------------------


def prepared(process: TransferProcess, done: Done, moment: Moment) -> TransferProcess:
    """The consumer's transfer whose first SAS was issued; its end may be an earlier one than was wanted."""
    destination = process.destination
    if destination is None:
        return process
    expires_at = _new_end(done) or destination.sas_expires_at
    return replace(process, destination=replace(destination, sas_expires_at=expires_at, sas_issued_at=moment.now))


def asked(process: TransferProcess, task: RenewalAsked, moment: Moment) -> Decision[TransferProcess]:
    """The provider wants an address that lasts longer.

    Whoever has asked gives it the new end right away, so the intent is for whoever comes after a crash of theirs.
    """
    destination = process.destination
    if process.correlation_id != task.provider_pid:
        return Decision(process, refused=f"providerPid is not {process.correlation_id}")
    if destination is None or process.state not in TELLING:
        return Decision(process, refused=f"no address is told in state {process.state.value}")
    expires_at = _end_if_due(destination, process.created_at, moment.now)
    if expires_at is None or process.has_intent(IntentKind.EXTEND_ACCESS):
        return Decision(process)
    extending = steps.intent(moment, IntentKind.EXTEND_ACCESS, {NEW_END: expires_at.isoformat()})
    later = moment.now + timedelta(seconds=moment.limits.effect_seconds)
    return Decision(process.with_intents(steps.best_effort(moment, replace(extending, not_before=later))))


def extended(process: TransferProcess, done: Done, moment: Moment) -> TransferProcess:
    """The SAS has its new end."""
    expires_at = _new_end(done)
    if process.destination is None or expires_at is None:
        return process
    destination = replace(process.destination, sas_expires_at=expires_at, sas_issued_at=moment.now)
    told = replace(process, destination=destination)
    return common.within_access(
        told.noted(moment.now, f"SAS renewed for the provider until {_shown(expires_at)}"), moment
    )


def _end_if_due(destination: Destination, created_at: datetime, now: datetime) -> datetime | None:
    """The new end of the SAS: as long a life as it had; None while less than half of that is over."""
    if destination.sas_expires_at is None:
        return None
    issued_at = destination.sas_issued_at or created_at
    life = destination.sas_expires_at - issued_at
    return now + life if now >= issued_at + life * _GIVEN_AFTER else None


# --- both -----------------------------------------------------------------------------------------------------------


def failed(process: TransferProcess, waiting: Intent, fault: Fault, moment: Moment) -> TransferProcess:
    """It could not be renewed: later, or not at all. The transfer goes on for as long as the SAS that it has lasts."""
    if fault.retryable:
        return process.with_retry(waiting, fault, moment.now, limit_seconds=_LONGEST_PAUSE_SECONDS)
    return process.without_intent(waiting.id).noted(moment.now, f"SAS not renewed: {fault.message}")


def _new_end(done: Done) -> datetime | None:
    said = done.result.get("sas_expires_at")
    return datetime.fromisoformat(said) if isinstance(said, str) else None


def _shown(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
