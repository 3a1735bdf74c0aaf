"""What must hold in every situation, at every move, and when everything has come to rest."""

from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from tests.explore.documents import Documents
from tests.explore.world import Situation

_S = TransferState
_FINAL = frozenset({_S.COMPLETED, _S.TERMINATED, _S.DEPROVISIONED})
# Where a final state may lead to.
_AFTER_FINAL: dict[TransferState, frozenset[TransferState]] = {
    _S.COMPLETED: frozenset({_S.COMPLETED, _S.DEPROVISIONING, _S.DEPROVISIONED}),
    _S.TERMINATED: frozenset({_S.TERMINATED, _S.DEPROVISIONING, _S.DEPROVISIONED}),
    _S.DEPROVISIONED: frozenset({_S.DEPROVISIONED}),
}


def broken_by_move(documents: Documents, before: Situation, after: Situation) -> str | None:
    """What a move has broken."""
    for was, now in ((before.consumer, after.consumer), (before.provider, after.provider)):
        if was != now and was:
            fault = _illegal(documents.at(was), documents.at(now))
            if fault:
                return fault
    return broken_in(documents, after)


def broken_in(documents: Documents, situation: Situation) -> str | None:
    """What is wrong in a situation."""
    consumer = documents.at(situation.consumer)
    if consumer.state is _S.COMPLETED and not situation.world.delivered:
        return "COMPLETED, and the data was never there"
    if consumer.verification == "none":
        return "COMPLETED without the manifest that the provider always writes"
    if situation.world.flows_started > 1:
        return "two data flows for one transfer"
    return None


def unrest(documents: Documents, situation: Situation) -> str | None:
    """What is wrong when nothing is left to do."""
    consumer = documents.at(situation.consumer)
    sides = [consumer] + ([documents.at(situation.provider)] if situation.provider else [])
    stuck = next((it for it in sides if it.state not in _FINAL), None)
    if stuck is not None:
        return f"{stuck.role.value} stays {stuck.state.value}"
    world = situation.world
    left = {"the consumer's secret": world.consumer_secret, "the provider's secret": world.provider_secret}
    left["the access policy"] = world.policy
    left["the container"] = world.container and consumer.state is _S.DEPROVISIONED
    left["a running flow"] = world.flow == "running"
    names = [name for name, is_there in left.items() if is_there]
    return f"left behind: {', '.join(names)}" if names else None


def _illegal(was: TransferProcess, now: TransferProcess) -> str | None:
    if was.state in _AFTER_FINAL and now.state not in _AFTER_FINAL[was.state]:
        return f"{was.role.value} left {was.state.value} for {now.state.value}"
    ends = [entry.state for entry in now.history]
    twice = next((state for state in ends if ends.count(state) > 1), None)
    return f"{was.role.value} entered {twice} twice" if twice else None
