"""Messages on their way: delivered, lost, repeated, with an answer that may be lost."""

from collections.abc import Iterator

from ferry.control_plane import steps
from ferry.domain.decision import Done, MessageKind, Received
from ferry.domain.process import Intent, IntentKind
from tests.explore.documents import Documents, new_provider
from tests.explore.effects import CONSUMER
from tests.explore.world import Result, Situation

REQUEST = f"{MessageKind.TRANSFER_REQUEST.value}#1"


def send(documents: Documents, situation: Situation, side: str, intent: Intent) -> Iterator[tuple[str, Situation]]:
    """Situations after the message of this intent was sent."""
    kind = MessageKind(steps.message_of(intent))
    if situation.faults > 0:
        lost = situation._replace(faults=situation.faults - 1)
        yield f"{side} {kind.name} is lost", _answered(lost, side, intent.id, "retry")
    if kind is MessageKind.TRANSFER_REQUEST:
        yield from _send_request(documents, situation, intent)
        return
    delivered, refused = deliver(documents, situation, side, kind)
    outcome = "retry" if refused else "ok"
    yield f"{side} sends {kind.name}: {outcome}", _answered(delivered, side, intent.id, outcome)
    if situation.faults > 0 and not refused:
        unanswered = delivered._replace(faults=situation.faults - 1)
        yield f"{side} sends {kind.name}, the answer is lost", _answered(unanswered, side, intent.id, "retry")
    if situation.repeats > 0:
        ghost = delivered.ghosts | {f"{side}:{kind.value}"}
        repeated = delivered._replace(repeats=situation.repeats - 1, ghosts=ghost)
        yield f"{side} sends {kind.name}, which is repeated", _answered(repeated, side, intent.id, outcome)


def deliver(documents: Documents, situation: Situation, side: str, kind: MessageKind) -> tuple[Situation, bool]:
    """The situation after the other side's handler has applied a message of `side`, and whether it refused."""
    content = {"providerPid": "provider-pid", "consumerPid": "consumer-pid", "code": "PEER_TERMINATED", "message": "x"}
    received = Received(kind, f"id of {kind.value}", kind.value, content)
    receiver = situation.provider if side == CONSUMER else situation.consumer
    if receiver == 0:
        return situation, True
    number, refused = documents.decide(receiver, kind.value, received)
    if side == CONSUMER:
        return situation._replace(provider=number), refused
    return situation._replace(consumer=number), refused


def arrive_again(documents: Documents, situation: Situation) -> Iterator[tuple[str, Situation]]:
    """Repeated messages reach the other side late; nobody hears the answer."""
    for ghost in situation.ghosts:
        side, _, name = ghost.partition(":")
        rest = situation._replace(ghosts=situation.ghosts - {ghost})
        delivered, _ = deliver(documents, rest, side, MessageKind(name))
        yield f"a late {name} of {side}", delivered


def go_on_accepting(documents: Documents, situation: Situation) -> Iterator[tuple[str, Situation]]:
    """The provider's handler of the request: the SAS into the vault, a commit, the answer."""
    if situation.accepting == 1:
        stored = situation.world._replace(provider_secret=True)
        yield "P stores the SAS", situation._replace(world=stored, accepting=2)
    elif situation.accepting == 2:
        process = documents.at(situation.provider)
        waiting = next((it.id for it in process.intents if it.kind is IntentKind.STORE_ADDRESS), "withdrawn")
        done = Done(waiting, IntentKind.STORE_ADDRESS)
        number, _ = documents.decide(situation.provider, f"stored {waiting}", done)
        accepted = situation._replace(provider=number, accepting=0)
        yield "P answers the request", _answered(accepted, CONSUMER, REQUEST, "ok")
        if situation.faults > 0:
            unheard = accepted._replace(faults=situation.faults - 1)
            yield "P's answer to the request is lost", _answered(unheard, CONSUMER, REQUEST, "retry")


def _send_request(documents: Documents, situation: Situation, intent: Intent) -> Iterator[tuple[str, Situation]]:
    if situation.accepting:
        return
    if not situation.world.consumer_secret:
        yield "C finds no SAS to send", _answered(situation, CONSUMER, intent.id, "fatal")
        return
    if situation.provider == 0:
        inserted = situation._replace(provider=documents.intern(new_provider()), accepting=1)
        yield "P gets the request", inserted
    elif any(it.kind is IntentKind.STORE_ADDRESS for it in documents.at(situation.provider).intents):
        yield "P gets the request again", situation._replace(accepting=1)
    else:
        yield "P knows the request", _answered(situation, CONSUMER, intent.id, "ok")


def _answered(situation: Situation, side: str, intent: str, outcome: str) -> Situation:
    return situation._replace(results=situation.results | {Result(side, intent, outcome)})
