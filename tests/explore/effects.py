"""What performing an intent does to the world, and which results it may have."""

from collections.abc import Iterator

from ferry.domain.process import Intent, IntentKind
from tests.explore.world import Result, Situation, World

BACKGROUND = "FLOW"
# Whoever is at these may be overtaken by the end of its process: they begin, and end some time later.
SLOW = frozenset({IntentKind.PREPARE_DESTINATION, IntentKind.START_DATA_FLOW})
CONSUMER, PROVIDER = "C", "P"


def perform(situation: Situation, side: str, intent: Intent) -> Iterator[tuple[str, Situation]]:
    """Situations after this intent was performed, or begun. Messages are not among these effects."""
    if _is_blocked(situation, side, intent):
        return
    if intent.kind in SLOW:
        begun = Result(side, intent.id, "begun")
        if not any(it[:3] == begun[:3] for it in situation.results):
            yield f"{side} begins {intent.id}", _with(_begun(situation, intent), begun)
        return
    world = situation.world
    match intent.kind:
        case IntentKind.VERIFY_DELIVERY:
            yield f"{side} verifies", _with(situation, Result(side, intent.id, seen_by_consumer(world)))
        case IntentKind.REVOKE_ACCESS:
            changed = world._replace(policy=False, consumer_secret=False)
            yield f"{side} {intent.id}", _with(situation._replace(world=changed), Result(side, intent.id, "ok"))
        case IntentKind.REMOVE_DESTINATION:
            changed = world._replace(container=False, data=False, marker=False, policy=False)
            yield f"{side} {intent.id}", _with(situation._replace(world=changed), Result(side, intent.id, "ok"))
        case IntentKind.DROP_SECRET:
            changed = world._replace(provider_secret=False)
            yield f"{side} {intent.id}", _with(situation._replace(world=changed), Result(side, intent.id, "ok"))
        case IntentKind.TERMINATE_DATA_FLOW:
            flow = "ended" if world.flow == "running" else world.flow
            changed = world._replace(flow=flow)
            yield f"{side} {intent.id}", _with(situation._replace(world=changed), Result(side, intent.id, "ok"))
        case _:
            yield from _check_flow(situation, intent)


def finish(situation: Situation, result: Result) -> Iterator[tuple[str, Situation]]:
    """Situations after a slow effect has done its work: its result is under way."""
    rest = situation._replace(results=situation.results - {result})
    world = situation.world
    if result.intent.startswith(IntentKind.PREPARE_DESTINATION.value):
        made = world._replace(container=True, policy=True, consumer_secret=True)
        yield f"{result.side} has prepared", _with(rest._replace(world=made), result._replace(outcome="ok"))
        return
    if result.intent != BACKGROUND and world.flow == "running":
        running = Result(PROVIDER, BACKGROUND, "begun")
        yield "the flow goes on by itself", _with(rest, result._replace(outcome="running"), running)
    copied, outcome = _copied(world)
    yield f"the flow is {outcome}", _with(rest._replace(world=copied), result._replace(outcome=outcome))


def seen_by_consumer(world: World) -> str:
    """What a check of the container finds."""
    if not world.container:
        return "gone"
    if not world.marker:
        return "absent"
    return "verified" if world.data else "mismatch"


def _begun(situation: Situation, intent: Intent) -> Situation:
    world = situation.world
    if intent.kind is IntentKind.START_DATA_FLOW and world.flow == "none":
        world = world._replace(flow="running", flows_started=min(2, world.flows_started + 1))
    return situation._replace(world=world)


def _copied(world: World) -> tuple[World, str]:
    """The world after a flow's copy came to its end: it needs both the SAS and what the SAS is good for."""
    if world.flow in ("ended", "failed", "done"):
        return world, world.flow
    if world.provider_secret and world.policy and world.container:
        return world._replace(flow="done", data=True, marker=True, delivered=True), "done"
    return world._replace(flow="failed"), "failed"


def _check_flow(situation: Situation, intent: Intent) -> Iterator[tuple[str, Situation]]:
    """The data plane's answer; a flow that nobody is at is gone on with."""
    flow = situation.world.flow
    added = [Result(PROVIDER, intent.id, flow)]
    background = Result(PROVIDER, BACKGROUND, "begun")
    if flow == "running" and not any(it.outcome == "begun" for it in situation.results if it.side == PROVIDER):
        added.append(background)
    yield f"P asks about the flow: {flow}", _with(situation, *added)


def _is_blocked(situation: Situation, side: str, intent: Intent) -> bool:
    """A sweep waits until whatever was begun before has ended, one way or the other."""
    if "sweep" not in intent.detail:
        return False
    accepting = side == PROVIDER and situation.accepting > 0
    return accepting or any(it.side == side and it.outcome == "begun" for it in situation.results)


def _with(situation: Situation, *results: Result) -> Situation:
    return situation._replace(results=situation.results | set(results))
