"""What a push's consumer decides about the data: somebody says that it is there, so it is checked (step 13). Pure."""

from dataclasses import replace
from datetime import datetime, timedelta

from ferry.control_plane import steps
from ferry.control_plane import transfer_decisions as common
from ferry.domain.decision import ClaimSource, Moment
from ferry.domain.faults import Fault
from ferry.domain.process import Intent, IntentKind, JsonObject
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess

WAITING = frozenset({TransferState.REQUESTED, TransferState.STARTED})
# Where a completion may be said though nobody looks for it: what we are telling the provider may have overtaken it.
_TELLING = frozenset({TransferState.REQUESTING, TransferState.SUSPENDING, TransferState.RESUMING})
# A look that is due within this time is waited for.
_SOON = timedelta(seconds=2)


def claimed(process: TransferProcess, source: ClaimSource, moment: Moment) -> TransferProcess:
    """Somebody says that the data is there: check it. A look is a question only, so it moves no state.

    The trigger's news of a small transfer comes together with the provider's message and shortly before the first look:
    it is left to them, since checking twice at once would cost twice. Where no look is near it is enough alone.
    """
    said = source is ClaimSource.MESSAGE and process.state in _TELLING
    is_open = said or process.state in WAITING | {TransferState.REQUESTING}
    if not is_open or process.destination is None or process.has_intent(IntentKind.VERIFY_DELIVERY):
        return process
    soon = moment.now + _SOON
    if source is ClaimSource.TRIGGER and process.look is not None and moment.now < process.look.at <= soon:
        return process
    check = _check(source, moment)
    if source is not ClaimSource.MESSAGE:
        return process.with_intents(check)
    entered = common.enter(process, TransferState.COMPLETING, moment, f"said to be complete by {source.value}", 13)
    return entered.without_kinds(IntentKind.SEND_MESSAGE, IntentKind.ASK_PEER).with_intents(check)


def verified(process: TransferProcess, waiting: Intent, result: JsonObject, moment: Moment) -> TransferProcess:
    outcome = result.get("outcome")
    if process.state not in WAITING | {TransferState.REQUESTING, TransferState.COMPLETING}:
        return process
    by_message = result.get("claim") == ClaimSource.MESSAGE.value
    cursor = result.get("cursor")
    if outcome == "slice" and isinstance(cursor, dict):
        again = Intent(moment.ids.fresh(), IntentKind.VERIFY_DELIVERY, waiting.detail)
        return replace(process, verify_cursor=cursor).with_intents(again)
    if outcome == "mismatch":
        detail = result.get("detail")
        text = f"what arrived is not what the marker says: {detail}. Start the transfer again."
        fault = Fault("VERIFICATION_FAILED", text, retryable=True, step=13)
        return common.terminate(process, fault, moment, tell_peer=True)
    if outcome == "verified" or (by_message and outcome in ("absent", "unmarked")):
        return _completed(process, waiting, result, moment)
    if process.state is TransferState.COMPLETING:
        # It was looked for before the message came, so that there is no marker may not be true any more.
        return process.with_intents(_check(ClaimSource.MESSAGE, moment))
    return process


def _completed(process: TransferProcess, waiting: Intent, result: JsonObject, moment: Moment) -> TransferProcess:
    verified = result.get("outcome") == "verified"
    process = common.without_renewal(process, moment)
    if process.state is not TransferState.COMPLETING:
        claim = waiting.detail.get("claim")
        process = common.enter(process, TransferState.COMPLETING, moment, f"found complete by {claim}", 13)
    # The marker may be there before any answer or message of the provider has told us its pid.
    provider_pid = result.get("provider_pid")
    process = replace(
        process.without_kinds(IntentKind.SEND_MESSAGE),
        correlation_id=process.correlation_id or (provider_pid if isinstance(provider_pid, str) else None),
        verification="manifest" if verified else "none",
        delivered={key: result[key] for key in ("blobs", "bytes", "root") if key in result},
        verify_cursor=None,
    )
    what = "data is there and verified" if verified else "the provider says that it is complete; it wrote no manifest"
    done = common.enter(process, TransferState.COMPLETED, moment, what, 13)
    withdrawn = result.get("revoked")
    if isinstance(withdrawn, dict):
        return revoked(done, withdrawn, moment)
    return done.with_intents(steps.intent(moment, IntentKind.REVOKE_ACCESS))


def revoked(process: TransferProcess, result: JsonObject, moment: Moment) -> TransferProcess:
    """Access is withdrawn; where the vault keeps what was deleted, until when (step 17)."""
    purge_at = result.get("purge_at")
    if isinstance(purge_at, str) and process.destination is not None:
        return replace(process, destination=replace(process.destination, purge_at=datetime.fromisoformat(purge_at)))
    return process.noted(moment.now, "SAS revoked, its secret deleted", 17)


def said_complete(process: TransferProcess, moment: Moment) -> TransferProcess:
    """The provider's message; a check that is under way already goes on, and is told upon whose word it ends."""
    under_way = next((it for it in process.intents if it.kind is IntentKind.VERIFY_DELIVERY), None)
    claimed_now = claimed(process.without_kinds(IntentKind.VERIFY_DELIVERY), ClaimSource.MESSAGE, moment)
    check = next((it for it in claimed_now.intents if it.kind is IntentKind.VERIFY_DELIVERY), None)
    if under_way is None or check is None:
        return claimed_now
    kept = replace(check, id=under_way.id)
    return claimed_now.without_intent(check.id).with_intents(kept)


def _check(source: ClaimSource, moment: Moment) -> Intent:
    return steps.intent(moment, IntentKind.VERIFY_DELIVERY, {"claim": source.value})
