"""What must hold in every situation, at every move, and when everything has come to rest."""

from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from tests.explore.documents import Documents
from tests.explore.effects import CONSUMER, PROVIDER
from tests.explore.moves import sides
from tests.explore.world import Situation

_S = TransferState
_FATAL = frozenset({"fatal", "keyless", "gone", "mismatch", "failed", "ended"})
# Where a final state may lead to.
_AFTER_FINAL: dict[TransferState, frozenset[TransferState]] = {
    _S.COMPLETED: frozenset({_S.COMPLETED, _S.DEPROVISIONING, _S.DEPROVISIONED}),
    _S.TERMINATED: frozenset({_S.TERMINATED, _S.DEPROVISIONING, _S.DEPROVISIONED}),
    _S.DEPROVISIONED: frozenset({_S.DEPROVISIONED}),
}


def broken_by_move(documents: Documents, before: Situation, after: Situation) -> str | None:
    """What a move has broken."""
    for was, now in ((before.consumer, after.consumer), (before.provider, after.provider)):
        if was != now and was and (was, now) not in documents.legal:
            fault = _illegal(documents.at(was), documents.at(now))
            if fault:
                return fault
            documents.legal.add((was, now))
    return broken_in(documents, after)


def broken_in(documents: Documents, situation: Situation) -> str | None:
    """What is wrong in a situation."""
    consumer = documents.at(situation.consumer)
    if consumer.state is _S.COMPLETED and not situation.world.delivered:
        return "COMPLETED, and the data was never there"
    if consumer.verification == "none":
        return "COMPLETED without the manifest that the provider always writes"
    if situation.contradicted:
        return f"{situation.contradicted} was taken, and is answered otherwise when it comes again"
    if _runs_all_the_same(documents, situation):
        return "the flow runs, and nobody is going to stop it, while the transfer is suspended"
    if situation.world.flows_started > 1:
        return "two data flows for one transfer"
    return None


def _runs_all_the_same(documents: Documents, situation: Situation) -> bool:
    """Whether the provider is content with being suspended while its flow goes on."""
    if not situation.provider or situation.world.flow != "running":
        return False
    provider = documents.at(situation.provider)
    under_way = any(it.side == PROVIDER for it in situation.results)
    return provider.state is _S.SUSPENDED and not provider.intents and not under_way


def unrest(documents: Documents, situation: Situation, gone: str = "") -> str | None:
    """What is wrong when nothing is left to do; `gone`: the side of which nothing can be expected any more."""
    there = {side: documents.at(number) for side, number in sides(situation, gone)}
    stuck = next((it for it in there.values() if not it.is_settled), None)
    if stuck is not None:
        return f"{stuck.role.value} stays {stuck.state.value}"
    world = situation.world
    left: dict[str, bool] = {}
    consumer = there.get(CONSUMER)
    if consumer is not None:
        left["the consumer's secret"] = world.consumer_secret
        left["the access policy"] = world.policy
        left["the container"] = world.container and consumer.state is _S.DEPROVISIONED
    if PROVIDER in there:
        left["the provider's secret"] = world.provider_secret
        left["a running flow"] = world.flow in ("running", "paused")
    names = [name for name, is_there in left.items() if is_there]
    return f"left behind: {', '.join(names)}" if names else None


def disagreement(documents: Documents, situation: Situation) -> str | None:
    """What is wrong when nothing is left to do until a client resumes: one side suspended, and the other not."""
    seen = [documents.at(it).dsp_state for it in (situation.consumer, situation.provider) if it]
    told = " and ".join(seen)
    return f"they are {told}" if "SUSPENDED" in seen and set(seen) & {"STARTED", "REQUESTED"} else None


def is_sound(documents: Documents, situation: Situation) -> bool:
    """Whether nothing has happened yet that could keep the transfer from being completed."""
    sides = [documents.at(number) for number in (situation.consumer, situation.provider) if number]
    if any(it.error is not None or it.state in (_S.DEPROVISIONING, _S.DEPROVISIONED) for it in sides):
        return False
    world = situation.world
    fatal = any(it.outcome in _FATAL for it in situation.results)
    return not fatal and not world.forged and world.flow in ("none", "running", "paused", "done")


def incomplete(documents: Documents, situation: Situation) -> str | None:
    """What is wrong when a sound transfer has come to rest without the help of any deadline."""
    sides = [documents.at(number) for number in (situation.consumer, situation.provider) if number]
    ended = [f"{it.role.value} is {it.state.value}" for it in sides if it.state is not _S.COMPLETED]
    return f"nothing had gone wrong, and {', '.join(ended)}" if ended or len(sides) != 2 else None


def _illegal(was: TransferProcess, now: TransferProcess) -> str | None:
    if was.state in _AFTER_FINAL and now.state not in _AFTER_FINAL[was.state]:
        return f"{was.role.value} left {was.state.value} for {now.state.value}"
    ends = [entry.state for entry in now.history if entry.state]
    twice = next((state for state in ends if ends.count(state) > 1), None)
    return f"{was.role.value} entered {twice} twice" if twice else None
