"""Moves that every kind of decision shares: entering a state, adding an intent, applying a peer's message once."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from ferry.domain.decision import Decision, Moment, Poisoned, Received
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind
from ferry.domain.process import POISON_LIMIT, Intent, IntentKind, Json, JsonObject, Process


def deadline(moment: Moment, state: str) -> datetime:
    """Until when a process may stay in a state that it enters now."""
    return moment.now + timedelta(seconds=moment.limits.of_state(state))


def intent(moment: Moment, kind: IntentKind, detail: JsonObject | None = None) -> Intent:
    """A fresh intent that is due at once."""
    return Intent(moment.ids.fresh(), kind, detail or {})


def sweep(moment: Moment, kind: IntentKind) -> Intent:
    """The same clean-up once more, after whatever may still be running under the withdrawn names has ended.

    An effect that was under way when its intent was withdrawn may still create what the first clean-up did not find.
    """
    later = moment.now + timedelta(seconds=moment.limits.effect_seconds)
    return Intent(moment.ids.fresh(), kind, {"sweep": True}, not_before=later)


def at_plane(moment: Moment, wanted: Intent) -> Intent:
    """A clean-up at a data plane, which is given up after `clean_up_seconds`: the plane may be gone for good."""
    return replace(wanted, give_up_at=moment.now + timedelta(seconds=moment.limits.clean_up_seconds))


def send(moment: Moment, kind: MessageKind, content: Mapping[str, Json] | None = None) -> Intent:
    """The intent to send a message; its `@id` is fixed here, so that a repeated one is recognised."""
    return intent(
        moment,
        IntentKind.SEND_MESSAGE,
        {"message": kind.value, "messageId": f"urn:uuid:{moment.ids.fresh()}", "content": dict(content or {})},
    )


def best_effort(moment: Moment, wanted: Intent) -> Intent:
    """The intent with a time at which it is dropped."""
    return replace(wanted, give_up_at=moment.now + timedelta(seconds=moment.limits.notify_seconds))


def fault_content(fault: Fault) -> JsonObject:
    """A fault as the content of a termination message."""
    return {"code": fault.code, "message": fault.message, "retryable": fault.retryable, "step": fault.step}


def content_fault(content: JsonObject, fallback_code: str) -> Fault:
    """The fault in a received termination message."""
    code, message, step = content.get("code"), content.get("message"), content.get("step")
    return Fault(
        code=code if isinstance(code, str) and code else fallback_code,
        message=message if isinstance(message, str) and message else "the other side gave no reason",
        retryable=content.get("retryable") is True,
        step=step if isinstance(step, int) else None,
    )


def message_of(wanted: Intent) -> str:
    """Which message a SEND_MESSAGE intent sends; empty for other intents."""
    name = wanted.detail.get("message")
    return name if wanted.kind is IntentKind.SEND_MESSAGE and isinstance(name, str) else ""


def known_message[P: Process](process: P, received: Received) -> Decision[P] | None:
    """The decision for a message whose `@id` was applied before: nothing, or a refusal if its body has changed."""
    for applied in process.inbox:
        if applied.message_id == received.message_id:
            if applied.digest == received.digest:
                return Decision(process)
            return Decision(process, refused=f"message {received.message_id} came before with another body")
    return None


def without_given_up[P: Process](process: P, now: datetime) -> P:
    """The process without the best-effort intents whose time is over, each with a line of history."""
    for waiting in process.intents:
        if waiting.give_up_at is not None and waiting.give_up_at <= now:
            what = message_of(waiting) or waiting.kind.value
            why = f": {waiting.last_fault.message}" if waiting.last_fault else ""
            process = process.without_intent(waiting.id).noted(now, f"given up: {what}{why}")
    return process


def after_poison[P: Process](
    process: P, poisoned: Poisoned, moment: Moment, end: Callable[[P, Fault], P], *, step: int | None = None
) -> P:
    """The process with one more poisoned message noted, which `end` ends when the same state had too many of them."""
    counted = replace(process, poisoned=process.poisoned + 1).noted(moment.now, f"poisoned: {poisoned.fault.message}")
    if counted.is_final or counted.poisoned < POISON_LIMIT:
        return counted
    return end(counted, replace(poisoned.fault, code=FaultCode.POISONED, step=step))


def late_fault(process: Process, moment: Moment, step: int | None) -> Fault:
    """The fault of a process whose deadline has passed: the last failure where there was one, else the deadline."""
    waited = f"{process.state_name} for more than {moment.limits.of_state(process.state_name):g} s"
    cause = next((i.last_fault for i in process.intents if i.last_fault is not None), None)
    if cause is None:
        text = f"process {process.id} was {waited}; the other side may be gone. Start it again."
        return Fault("DEADLINE_EXCEEDED", text, retryable=True, step=step)
    return replace(cause, message=f"{cause.message} (given up: {waited})", retryable=True, step=cause.step or step)
