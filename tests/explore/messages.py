"""Messages on their way: delivered, lost, repeated, with an answer that may be lost."""

from collections.abc import Iterator

from ferry.control_plane import steps
from ferry.domain.decision import Done, Received
from ferry.domain.message_kind import MessageKind
from ferry.domain.process import Intent, IntentKind
from ferry.domain.states import TransferState
from tests.explore.documents import Decided, Documents, new_provider
from tests.explore.effects import CONSUMER, PROVIDER, with_results
from tests.explore.world import GONE, Move, Result, Situation

_CONTENT = {"providerPid": "provider-pid", "consumerPid": "consumer-pid", "code": "PEER_TERMINATED", "message": "x"}


def moved(situation: Situation, side: str, decided: Decided, *, without: frozenset[Result] = frozenset()) -> Situation:
    """The situation after a commit of that side; results of intents that have left it belong to nothing any more.

    `without`: results that are not under way any more.
    """
    results = situation.results - without if without else situation.results
    if decided.number == (situation.consumer if side == CONSUMER else situation.provider):
        return situation._replace(results=results) if without else situation
    if results:
        results = frozenset(_renamed(it, decided) if it.side == side else it for it in results)
    # Spelled out, as it is done for most of the moves: `_replace` is slow.
    return Situation(
        decided.number if side == CONSUMER else situation.consumer,
        decided.number if side == PROVIDER else situation.provider,
        situation.world,
        results,
        situation.accepting,
        situation.ghosts,
        situation.taken,
        situation.contradicted,
    )


def _renamed(result: Result, decided: Decided) -> Result:
    kind, _, number = result.intent.partition("#")
    if not number or number == GONE or result.snapshot:
        return result
    return result._replace(intent=decided.renamed.get(result.intent, f"{kind}#{GONE}"))


def send(documents: Documents, situation: Situation, side: str, intent: Intent) -> Iterator[Move]:
    """Situations after the message of this intent was sent."""
    kind = MessageKind(steps.message_of(intent))
    if kind is MessageKind.TRANSFER_REQUEST:
        yield from _send_request(documents, situation, intent)
        return
    name = f"{side}:{kind.value}:{intent.detail.get('messageId')}"
    delivered, refused = deliver(documents, situation, name)
    if refused and kind is MessageKind.TRANSFER_SUSPENSION:
        told = Result(side, intent.id, "refused")
        yield Move(f"{side} sends {kind.name}: refused", with_results(delivered, told))
    elif refused and delivered != situation:
        # It is sent again later: nothing has changed but what the other side has learned.
        yield Move(f"{side} sends {kind.name}: refused", delivered)
    if refused:
        return
    heard = Result(side, intent.id, "ok")
    yield Move(f"{side} sends {kind.name}", with_results(delivered, heard))
    if name not in situation.ghosts:
        # The answer is lost, or the message is repeated on its way: another one like it arrives later.
        repeated = delivered._replace(ghosts=delivered.ghosts | {name})
        yield Move(f"{side} sends {kind.name}, which is repeated", with_results(repeated, heard), 1)
        yield Move(f"{side} sends {kind.name}, and hears no answer", delivered, 1)


def deliver(documents: Documents, situation: Situation, name: str) -> tuple[Situation, bool]:
    """The situation after the other side's handler has applied a message, and whether it refused.

    `name`: side, kind and id of the message.
    """
    side, kind, message_id = name.split(":", 2)
    received = Received(MessageKind(kind), message_id, kind, _CONTENT)
    receiver = situation.provider if side == CONSUMER else situation.consumer
    if receiver == 0:
        return situation, True
    decided = documents.decide(receiver, name, received)
    # Of what is deprovisioned a peer need not be told the same again.
    is_gone = documents.at(receiver).state in (TransferState.DEPROVISIONING, TransferState.DEPROVISIONED)
    if name in situation.taken and ((decided.is_refused and not is_gone) or decided.number != receiver):
        situation = situation._replace(contradicted=name)
    elif not decided.is_refused and decided.number != receiver:
        situation = situation._replace(taken=situation.taken | {name})
    return moved(situation, PROVIDER if side == CONSUMER else CONSUMER, decided), decided.is_refused


def arrive_again(documents: Documents, situation: Situation) -> Iterator[Move]:
    """Repeated messages reach the other side late; nobody hears the answer."""
    for ghost in situation.ghosts:
        rest = situation._replace(ghosts=situation.ghosts - {ghost})
        delivered, _ = deliver(documents, rest, ghost)
        yield Move(f"a late {ghost}", delivered)


def go_on_accepting(documents: Documents, situation: Situation) -> Iterator[Move]:
    """The provider's handler of the request: the SAS into the vault, a commit, the answer."""
    if situation.accepting == 1:
        stored = situation.world._replace(provider_secret=True)
        yield Move("P stores the SAS", situation._replace(world=stored, accepting=2))
    elif situation.accepting == 2:
        process = documents.at(situation.provider)
        waiting = next((it.id for it in process.intents if it.kind is IntentKind.STORE_ADDRESS), GONE)
        decided = documents.decide(situation.provider, f"stored {waiting}", Done(waiting, IntentKind.STORE_ADDRESS))
        accepted = moved(situation._replace(accepting=0), PROVIDER, decided)
        yield from _answered(accepted, "P answers the request")


def _send_request(documents: Documents, situation: Situation, intent: Intent) -> Iterator[Move]:
    if situation.accepting:
        return
    if not situation.world.consumer_secret:
        yield Move("C finds no SAS to send", with_results(situation, Result(CONSUMER, intent.id, "fatal")))
        return
    if situation.provider == 0:
        inserted = situation._replace(provider=documents.intern(new_provider()), accepting=1)
        yield Move("P gets the request", inserted)
        refused = Result(CONSUMER, intent.id, "fatal")
        yield Move("P refuses the request for good", with_results(situation, refused), 1)
    elif any(it.kind is IntentKind.STORE_ADDRESS for it in documents.at(situation.provider).intents):
        yield Move("P gets the request again", situation._replace(accepting=1))
    else:
        yield Move("P knows the request", with_results(situation, Result(CONSUMER, intent.id, "ok")))


def _answered(situation: Situation, label: str) -> Iterator[Move]:
    """The answer reaches whoever still waits for it; or nobody."""
    request = f"{MessageKind.TRANSFER_REQUEST.value}#1"
    yield Move(label, with_results(situation, Result(CONSUMER, request, "ok")))
    yield Move(f"{label}, which is not heard", situation, 1)
