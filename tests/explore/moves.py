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
from tests.explore.documents import FAR, LATER, Documents, performable, turns_of
from tests.explore.effects import BACKGROUND, CONSUMER, PROVIDER, finish, may_die, perform, with_results
from tests.explore.messages import arrive_again, go_on_accepting, moved, send
from tests.explore.world import GONE, Move, Result, Situation

SUSPENDS, RESUMES = "suspends", "resumes"
# Nobody suspends what was suspended and resumed so often already: an even number.
TURN_LIMIT = 1
# Effects that only take away.
CLEANING = frozenset(
    {
        IntentKind.REVOKE_ACCESS,
        IntentKind.REMOVE_DESTINATION,
        IntentKind.DROP_SECRET,
        IntentKind.TERMINATE_DATA_FLOW,
    }
)
_SUMMARY: JsonObject = {"blobs": 1, "bytes": 3, "root": "0"}
_FAULT: JsonObject = {"code": "SAS_REFUSED", "message": "refused", "retryable": False, "step": 11}
_RESULTS: dict[str, JsonObject] = {
    "ok": {"providerPid": "provider-pid"},
    "verified": {"outcome": "verified", **_SUMMARY},
    "absent": {"outcome": "absent"},
    "mismatch": {"outcome": "mismatch", "detail": "x"},
    "running": {"state": "STARTED", "summary": {}},
    "paused": {"state": "SUSPENDED", "summary": {}},
    "done": {"state": "COMPLETED", "summary": _SUMMARY},
    "failed": {"state": "FAILED", "summary": {}, "fault": _FAULT},
    "ended": {"state": "TERMINATED", "summary": {}},
    "none": {},
    "heard": {"state": "COMPLETED"},
    "unheard": {"state": "STARTED"},
}
_FAILURES: dict[str, Fault] = {
    "retry": Fault("STORAGE_UNAVAILABLE", "x", retryable=True, step=3),
    "fatal": Fault("PEER_REFUSED", "x", step=5),
    "keyless": Fault("DESTINATION_KEY_MISSING", "x", step=2),
    "gone": Fault("DESTINATION_GONE", "x", step=13),
    "refused": Fault("PEER_REFUSED", "x", retryable=True, step=11),
}


def sides(situation: Situation, gone: str = "") -> Iterator[tuple[str, int]]:
    """The sides that have a document and are not gone for good, with its number."""
    if gone != CONSUMER:
        yield CONSUMER, situation.consumer
    if situation.provider and gone != PROVIDER:
        yield PROVIDER, situation.provider


def moves(documents: Documents, situation: Situation, gone: str = "") -> Iterator[Move]:
    """All successors; `gone`: the side of which nothing is heard any more."""
    for side, number in sides(situation, gone):
        for intent in performable(documents.at(number)):
            if gone and intent.kind in (IntentKind.SEND_MESSAGE, IntentKind.ASK_PEER):
                continue
            for move in _performed(documents, situation, side, intent):
                yield _with_snapshot(situation, move, number) if documents.writes_blindly else move
    for result in situation.results:
        if result.side == gone:
            continue
        if result.is_under_way:
            number = situation.consumer if result.side == CONSUMER else situation.provider
            yield from finish(situation, result, documents.at(number))
        else:
            yield _committed(documents, situation, result)
    yield from _news(documents, situation, gone)
    if gone != PROVIDER:
        yield from go_on_accepting(documents, situation)
    if gone:
        return
    yield from arrive_again(documents, situation)
    yield from _orders(documents, situation)
    yield from _deaths(documents, situation)
    yield from _strangers(situation)


def give_up(documents: Documents, situation: Situation, gone: str = "") -> Iterator[Move]:
    """The time for what is tried as long as it makes sense is over."""
    for side, number in sides(situation, gone):
        decided = documents.decide(number, "give up", Look(), now=FAR)
        if decided.number != number:
            yield Move(f"{side} gives up", moved(situation, side, decided))


def _performed(documents: Documents, situation: Situation, side: str, intent: Intent) -> Iterator[Move]:
    if any(it.side == side and it.intent == intent.id and not it.is_under_way for it in situation.results):
        return
    if intent.kind is IntentKind.SEND_MESSAGE:
        yield from send(documents, situation, side, intent)
    elif intent.kind is IntentKind.ASK_PEER:
        other = situation.provider if side == CONSUMER else situation.consumer
        heard = "heard" if documents.at(other).dsp_state == "COMPLETED" else "unheard"
        yield Move(f"{side} asks the other side: {heard}", with_results(situation, Result(side, intent.id, heard)))
    elif intent.kind in CLEANING and not documents.writes_blindly:
        # What only takes away is done and committed at once: that fewer orders are told apart hides none that matters.
        for move in perform(situation, side, intent):
            done = Result(side, intent.id, "ok")
            is_done = done in move.after.results
            yield _committed(documents, move.after, done)._replace(label=move.label) if is_done else move
    else:
        yield from perform(situation, side, intent)


def _committed(documents: Documents, situation: Situation, result: Result) -> Move:
    """The document of the side that waited, after the result was committed."""
    number = result.snapshot or (situation.consumer if result.side == CONSUMER else situation.provider)
    name = f"{result.intent} {result.outcome}"
    decided = documents.decided(number, name) or documents.decide(number, name, task_of(result))
    after = moved(situation, result.side, decided, without=frozenset((result,)))
    return Move(f"{result.side} commits {result.intent}: {result.outcome}", after)


def task_of(result: Result) -> Task:
    """The task that a result is."""
    if result.intent == BACKGROUND:
        fault = Fault("SAS_REFUSED", "refused", step=11) if result.outcome == "failed" else None
        state = {"done": "COMPLETED", "failed": "FAILED"}.get(result.outcome, "TERMINATED")
        return FlowReport(state, _SUMMARY if state == "COMPLETED" else {}, fault)
    if result.outcome in _FAILURES:
        return Failed(result.intent, _FAILURES[result.outcome])
    kind = result.intent.partition("#")[0]
    is_intent = kind in IntentKind.__members__
    return Done(result.intent, IntentKind(kind) if is_intent else IntentKind.SEND_MESSAGE, _RESULTS[result.outcome])


def _news(documents: Documents, situation: Situation, gone: str) -> Iterator[Move]:
    """Looks, the blob trigger, deadlines."""
    for side, number in sides(situation, gone):
        looked = documents.decide(number, "look", Look())
        if looked.number != number:
            yield Move(f"{side} is looked at", moved(situation, side, looked))
        late = documents.decide(number, "deadline", Look(), now=LATER)
        if late.number not in (number, looked.number):
            yield Move(f"{side}'s deadline passes", moved(situation, side, late), 1)
    if situation.world.marker and gone != CONSUMER:
        claimed = documents.decide(situation.consumer, "trigger", Claim(ClaimSource.TRIGGER))
        if claimed.number != situation.consumer:
            yield Move("the blob trigger fires", moved(situation, CONSUMER, claimed))


def _orders(documents: Documents, situation: Situation) -> Iterator[Move]:
    """What clients ask for."""
    for side, number in sides(situation):
        ended = documents.decide(number, "terminate", Command(CommandKind.TERMINATE))
        if not ended.is_refused:
            yield Move(f"{side}'s client terminates", moved(situation, side, ended), 1)
    if documents.pauses:
        yield from _pauses(documents, situation)
    gone = documents.decide(situation.consumer, "deprovision", Command(CommandKind.DEPROVISION))
    if gone.number != situation.consumer:
        yield Move("C's client deprovisions", moved(situation, CONSUMER, gone), 1)


def _pauses(documents: Documents, situation: Situation) -> Iterator[Move]:
    """Clients suspend; and sooner or later one of them resumes what is suspended."""
    turns = max(turns_of(documents.at(number)) for _, number in sides(situation))
    for side, number in sides(situation):
        suspended = documents.decide(number, "suspend", Command(CommandKind.SUSPEND))
        is_new = not suspended.is_refused and suspended.number != number
        if is_new and turns < TURN_LIMIT:
            yield Move(f"{side}'s client {SUSPENDS}", moved(situation, side, suspended))
        resumed = documents.decide(number, "resume", Command(CommandKind.RESUME))
        if not resumed.is_refused and resumed.number != number:
            yield Move(f"{side}'s client {RESUMES}", moved(situation, side, resumed))


def _deaths(documents: Documents, situation: Situation) -> Iterator[Move]:
    """A side dies: results that were not committed are lost, and so is what it was handling."""
    for side, number in sides(situation):
        if not may_die(situation, side, documents.at(number)):
            continue
        kept = frozenset(it for it in situation.results if it.side != side)
        accepting = 0 if side == PROVIDER else situation.accepting
        if kept != situation.results or accepting != situation.accepting:
            yield Move(f"{side} dies", situation._replace(results=kept, accepting=accepting), 1)


def _strangers(situation: Situation) -> Iterator[Move]:
    """What others do to the container."""
    world = situation.world
    if world.container and not world.marker:
        forged = world._replace(marker=True, forged=True)
        yield Move("somebody forges a marker", situation._replace(world=forged), 1)


def _with_snapshot(before: Situation, move: Move, number: int) -> Move:
    new = move.after.results - before.results
    blind = frozenset(it._replace(snapshot=number) for it in new if GONE not in it.intent)
    return move._replace(after=move.after._replace(results=(move.after.results - new) | blind))
