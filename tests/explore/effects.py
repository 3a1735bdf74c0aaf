"""What performing an intent does to the world, and which results it may have."""

from collections.abc import Iterator

from ferry.domain.process import Intent, IntentKind
from ferry.domain.transfer_process import TransferProcess
from tests.explore.world import Move, Result, Situation, World

BACKGROUND = "FLOW"
# Whoever is at these may be overtaken by the end of its process: they begin, and end some time later.
SLOW = frozenset({IntentKind.PREPARE_DESTINATION, IntentKind.START_DATA_FLOW, IntentKind.VERIFY_DELIVERY})
CONSUMER, PROVIDER = "C", "P"
_PAUSING = frozenset({IntentKind.SUSPEND_DATA_FLOW, IntentKind.RESUME_DATA_FLOW})


def perform(situation: Situation, side: str, intent: Intent) -> Iterator[Move]:
    """Situations after this intent was performed, or begun. Messages are not among these effects."""
    if "sweep" in intent.detail and _is_busy(situation, side):
        return
    if intent.kind in SLOW:
        begun = Result(side, intent.id, "begun")
        if begun not in situation.results:
            yield Move(f"{side} begins {intent.id}", with_results(_begun(situation, intent), begun))
        return
    if intent.kind is IntentKind.CHECK_DATA_FLOW:
        yield from _check_flow(situation, intent)
        return
    if intent.kind in _PAUSING:
        yield _paused(situation, intent)
        return
    world = _cleaned(situation.world, intent.kind)
    changed = situation._replace(world=world)
    yield Move(f"{side} performs {intent.id}", with_results(changed, Result(side, intent.id, "ok")))
    if world != situation.world:
        yield Move(f"{side} performs {intent.id}, and dies", changed, 1)
    if world.policy != situation.world.policy and world.consumer_secret != situation.world.consumer_secret:
        # The policy is withdrawn first; who dies then leaves the secret.
        half = situation._replace(world=situation.world._replace(policy=False))
        yield Move(f"{side} performs half of {intent.id}, and dies", half, 1)


def finish(situation: Situation, result: Result, process: TransferProcess) -> Iterator[Move]:
    """Situations after a slow effect has done its work: its result is under way. `process`: the one it belongs to."""
    rest = situation._replace(results=situation.results - {result})
    if result.intent == BACKGROUND or result.intent.startswith(IntentKind.START_DATA_FLOW.value):
        yield from _finish_flow(situation, rest, result)
    elif result.intent.startswith(IntentKind.VERIFY_DELIVERY.value):
        seen = result._replace(outcome=seen_by_consumer(situation.world))
        yield Move(f"{result.side} verifies: {seen.outcome}", with_results(rest, seen))
    else:
        yield from _prepared(rest, result, process)


def seen_by_consumer(world: World) -> str:
    """What a check of the container finds."""
    if not world.container:
        return "gone"
    if not world.marker:
        return "absent"
    return "verified" if world.data and not world.forged else "mismatch"


def may_die(situation: Situation, side: str, process: TransferProcess) -> bool:
    """Whether it is fair that a side dies now.

    Two may prepare the same at once, and the transfer may be over before the second is done. That the second dies, too,
    before it has told what it did, is the one accident that is left to the operator.
    """
    return side == PROVIDER or not any(_is_lost_for_good(it, process) for it in situation.results)


def with_results(situation: Situation, *results: Result) -> Situation:
    """The situation with these results under way."""
    return situation._replace(results=situation.results | set(results))


def _cleaned(world: World, kind: IntentKind) -> World:
    match kind:
        case IntentKind.REVOKE_ACCESS:
            return world._replace(policy=False, consumer_secret=False)
        case IntentKind.REMOVE_DESTINATION:
            return world._replace(container=False, data=False, marker=False, forged=False, policy=False)
        case IntentKind.DROP_SECRET:
            return world._replace(provider_secret=False)
        case IntentKind.TERMINATE_DATA_FLOW:
            return world._replace(flow="ended") if world.flow in ("running", "paused") else world
        case _:
            raise AssertionError(f"no effect is known for {kind}")


def _begun(situation: Situation, intent: Intent) -> Situation:
    world = situation.world
    if intent.kind is IntentKind.START_DATA_FLOW and world.flow == "none":
        world = world._replace(flow="running", flows_started=min(2, world.flows_started + 1))
    return situation._replace(world=world)


def _prepared(rest: Situation, result: Result, process: TransferProcess) -> Iterator[Move]:
    """Container, policy, secret: all of them, or so many as there were when it failed or died."""
    parts = [rest.world._replace(container=True)]
    parts.append(parts[0]._replace(policy=True))
    parts.append(parts[1]._replace(consumer_secret=True))
    yield Move("C has prepared", with_results(rest._replace(world=parts[2]), result._replace(outcome="ok")))
    keyless = result._replace(outcome="keyless")
    yield Move("C finds no key to prepare with", with_results(rest, keyless), 1)
    if _is_lost_for_good(result, process):
        return
    for number, world in enumerate(parts, start=1):
        after = rest._replace(world=world)
        yield Move(f"C has prepared {number} of 3, and dies", after, 1)
        yield Move(f"C has prepared {number} of 3, and fails", with_results(after, result._replace(outcome="retry")), 1)


def _is_lost_for_good(result: Result, process: TransferProcess) -> bool:
    """Whether nobody would clean up after this preparation if it were never heard of again."""
    prepares = result.intent.startswith(IntentKind.PREPARE_DESTINATION.value)
    return prepares and not result.is_wanted and not any("sweep" in it.detail for it in process.intents)


def _finish_flow(situation: Situation, rest: Situation, result: Result) -> Iterator[Move]:
    """The flow runs to its end while somebody waits for it, or goes on by itself; the copy's process may die.

    Its last act is the marker. Who dies right after it leaves a flow that runs, and a marker.
    """
    world = situation.world
    if result.intent == BACKGROUND and world.flow == "paused":
        yield Move("the copy stops", rest)
        return
    if result.intent != BACKGROUND and world.flow == "running":
        running = Result(PROVIDER, BACKGROUND, "begun")
        yield Move("the flow goes on by itself", with_results(rest, result._replace(outcome="running"), running))
    if world.flow != "running":
        yield Move(f"the flow is {world.flow}", with_results(rest, result._replace(outcome=world.flow)))
        return
    if not (world.policy and world.container):
        failed = rest._replace(world=world._replace(flow="failed"))
        yield Move("the flow has failed", with_results(failed, result._replace(outcome="failed")))
        return
    # A marker that is there already stays, and is taken for our own.
    copied = world._replace(data=True, marker=True, delivered=world.delivered or not world.forged)
    done = rest._replace(world=copied._replace(flow="done"))
    yield Move("the flow is done", with_results(done, result._replace(outcome="done")))
    yield Move("the marker is written, and P dies", rest._replace(world=copied), 1)


def _paused(situation: Situation, intent: Intent) -> Move:
    """The flow stands still, or goes on by itself; one that the plane does not know is started by a resumption."""
    world, resumes = situation.world, intent.kind is IntentKind.RESUME_DATA_FLOW
    if resumes and world.flow == "none":
        world = world._replace(flow="running", flows_started=min(2, world.flows_started + 1))
    elif resumes and world.flow == "paused":
        world = world._replace(flow="running")
    elif not resumes and world.flow == "running":
        world = world._replace(flow="paused")
    changed = situation._replace(world=world)
    results = [Result(PROVIDER, intent.id, world.flow)]
    if resumes and world.flow == "running" and not _is_busy(situation, PROVIDER):
        results.append(Result(PROVIDER, BACKGROUND, "begun"))
    return Move(f"P performs {intent.id}: {world.flow}", with_results(changed, *results))


def _check_flow(situation: Situation, intent: Intent) -> Iterator[Move]:
    """The data plane's answer; a flow that nobody is at is gone on with."""
    flow = situation.world.flow
    added = [Result(PROVIDER, intent.id, flow)]
    if flow == "running" and not _is_busy(situation, PROVIDER):
        added.append(Result(PROVIDER, BACKGROUND, "begun"))
    yield Move(f"P asks about the flow: {flow}", with_results(situation, *added))


def _is_busy(situation: Situation, side: str) -> bool:
    """A sweep waits until whatever was begun before has ended, one way or the other."""
    accepting = side == PROVIDER and situation.accepting > 0
    return accepting or any(it.side == side and it.is_under_way for it in situation.results)
