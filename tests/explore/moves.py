"""Everything that can happen next in a situation."""

from collections.abc import Iterator

from ferry.domain.decision import (
    Claim,
    ClaimSource,
    Command,
    CommandKind,
    Done,
    Failed,
    FlowReport,
    Look,
    Task,
)
from ferry.domain.faults import Fault
from ferry.domain.process import Intent, IntentKind, JsonObject
from tests.explore.documents import LATER, NOW, Documents, performable
from tests.explore.effects import BACKGROUND, CONSUMER, PROVIDER, finish, perform
from tests.explore.messages import arrive_again, go_on_accepting, send
from tests.explore.world import Result, Situation

type Move = tuple[str, Situation]

_SUMMARY: JsonObject = {"blobs": 1, "bytes": 3, "root": "0"}
_FAULT: JsonObject = {"code": "SAS_REFUSED", "message": "refused", "retryable": False, "step": 11}
_RESULTS: dict[str, JsonObject] = {
    "ok": {"providerPid": "provider-pid"},
    "verified": {"outcome": "verified", **_SUMMARY},
    "absent": {"outcome": "absent"},
    "mismatch": {"outcome": "mismatch", "detail": "x"},
    "running": {"state": "STARTED", "summary": {}},
    "done": {"state": "COMPLETED", "summary": _SUMMARY},
    "failed": {"state": "FAILED", "summary": {}, "fault": _FAULT},
    "ended": {"state": "TERMINATED", "summary": {}},
    "none": {},
}


def moves(documents: Documents, situation: Situation) -> Iterator[Move]:
    """All successors."""
    for side, number in ((CONSUMER, situation.consumer), (PROVIDER, situation.provider)):
        if number:
            for intent in performable(documents.at(number)):
                for label, after in _performed(documents, situation, side, intent):
                    yield label, _with_snapshots(situation, after, number) if documents.writes_blindly else after
    for result in situation.results:
        if result.outcome == "begun":
            yield from finish(situation, result)
        else:
            yield _applied(documents, situation, result)
    yield from go_on_accepting(documents, situation)
    yield from arrive_again(documents, situation)
    yield from _news(documents, situation)
    yield from _orders(documents, situation)
    yield from _crashes(situation)


def _performed(documents: Documents, situation: Situation, side: str, intent: Intent) -> Iterator[Move]:
    if any(it.side == side and it.intent == intent.id and it.outcome != "begun" for it in situation.results):
        return
    if intent.kind is IntentKind.SEND_MESSAGE:
        yield from send(documents, situation, side, intent)
        return
    yield from perform(situation, side, intent)
    if situation.faults > 0:
        failing = situation._replace(faults=situation.faults - 1)
        outcomes = ("retry", "fatal") if intent.kind is IntentKind.PREPARE_DESTINATION else ("retry",)
        for outcome in outcomes:
            failed = Result(side, intent.id, outcome)
            yield f"{side} {intent.id}: {outcome}", failing._replace(results=failing.results | {failed})


def _applied(documents: Documents, situation: Situation, result: Result) -> Move:
    """The document of the side that waited, after the result was committed."""
    rest = situation._replace(results=situation.results - {result})
    number = result.snapshot or (situation.consumer if result.side == CONSUMER else situation.provider)
    task = task_of(documents, number, result)
    after, _ = documents.decide(number, f"{result.intent} {result.outcome}", task)
    label = f"{result.side} commits {result.intent}: {result.outcome}"
    return label, rest._replace(consumer=after) if result.side == CONSUMER else rest._replace(provider=after)


def task_of(documents: Documents, number: int, result: Result) -> Task:
    """The task that a result is."""
    if result.intent == BACKGROUND:
        fault = Fault("SAS_REFUSED", "refused", step=11) if result.outcome == "failed" else None
        state = {"done": "COMPLETED", "failed": "FAILED"}.get(result.outcome, "TERMINATED")
        return FlowReport(state, _SUMMARY if state == "COMPLETED" else {}, fault)
    if result.outcome in ("retry", "fatal", "gone"):
        code = "DESTINATION_GONE" if result.outcome == "gone" else "STORAGE_UNAVAILABLE"
        return Failed(result.intent, Fault(code, "x", retryable=result.outcome == "retry", step=3))
    kind = result.intent.partition("#")[0]
    is_intent = kind in IntentKind.__members__
    return Done(result.intent, IntentKind(kind) if is_intent else IntentKind.SEND_MESSAGE, _RESULTS[result.outcome])


def _news(documents: Documents, situation: Situation) -> Iterator[Move]:
    """Looks, the blob trigger, deadlines."""
    for side, number in ((CONSUMER, situation.consumer), (PROVIDER, situation.provider)):
        if number == 0:
            continue
        looked, _ = documents.decide(number, "look", Look())
        if looked != number:
            yield f"{side} is looked at", moved(situation, side, looked)
        if situation.deadlines > 0:
            late, _ = documents.decide(number, "deadline", Look(), now=LATER)
            if late not in (number, looked):
                spent = situation._replace(deadlines=situation.deadlines - 1)
                yield f"{side}'s deadline passes", moved(spent, side, late)
    if situation.world.marker:
        claimed, _ = documents.decide(situation.consumer, "trigger", Claim(ClaimSource.TRIGGER), now=NOW)
        if claimed != situation.consumer:
            yield "the blob trigger fires", situation._replace(consumer=claimed)


def _orders(documents: Documents, situation: Situation) -> Iterator[Move]:
    """What clients ask for."""
    if situation.terminations > 0:
        spent = situation._replace(terminations=situation.terminations - 1)
        for side, number in ((CONSUMER, situation.consumer), (PROVIDER, situation.provider)):
            if number:
                ended, refused = documents.decide(number, "terminate", Command(CommandKind.TERMINATE))
                if not refused:
                    yield f"{side}'s client terminates", moved(spent, side, ended)
    if situation.deprovisions > 0:
        spent = situation._replace(deprovisions=situation.deprovisions - 1)
        gone, _ = documents.decide(situation.consumer, "deprovision", Command(CommandKind.DEPROVISION))
        yield "C's client deprovisions", spent._replace(consumer=gone)


def _crashes(situation: Situation) -> Iterator[Move]:
    """A side dies: results that were not committed are lost, and so is what it was handling."""
    if situation.crashes == 0:
        return
    spent = situation._replace(crashes=situation.crashes - 1)
    for side in (CONSUMER, PROVIDER):
        kept = frozenset(it for it in situation.results if it.side != side)
        dies_accepting = side == PROVIDER and situation.accepting > 0
        if dies_accepting:
            kept |= {Result(CONSUMER, "TransferRequestMessage#1", "retry")}
        if kept != situation.results:
            accepting = 0 if dies_accepting else situation.accepting
            yield f"{side} dies", spent._replace(results=kept, accepting=accepting)


def _with_snapshots(before: Situation, after: Situation, number: int) -> Situation:
    new = after.results - before.results
    return after._replace(results=(after.results - new) | {it._replace(snapshot=number) for it in new})


def moved(situation: Situation, side: str, number: int) -> Situation:
    """The situation with another document on that side."""
    return situation._replace(consumer=number) if side == CONSUMER else situation._replace(provider=number)
