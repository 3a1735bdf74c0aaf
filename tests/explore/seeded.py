"""Defects that the explorer must find: each changes what one side decides, as a careless edit would."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ferry.control_plane import consumer_decisions, provider_decisions
from ferry.domain.decision import Decision, Done, Look, Moment, Received, Task
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import Intent, IntentKind
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from tests.explore.documents import Decide, moment

type Outcome = Decision[TransferProcess]
type Change = Callable[[TransferProcess, Task, Outcome], TransferProcess | Outcome]


@dataclass(frozen=True, slots=True)
class Defect:
    """A defect: a name, and the decisions of both sides with it in them. `needs`: the mishaps that bring it out."""

    name: str
    decisions: dict[Role, Decide]
    needs: tuple[str, ...] = ("",)
    writes_blindly: bool = False


def _changed(change: Change) -> dict[Role, Decide]:
    """Both sides' decisions, changed afterwards."""

    def wrapped(decide: Decide) -> Decide:
        def decided(process: TransferProcess, task: Task, at: Moment) -> Outcome:
            decision = decide(process, task, at)
            changed = change(process, task, decision)
            return changed if isinstance(changed, Decision) else replace(decision, process=changed)

        return decided

    return {Role.CONSUMER: wrapped(consumer_decisions.decide), Role.PROVIDER: wrapped(provider_decisions.decide)}


def _without(process: TransferProcess, unwanted: Callable[[Intent], bool]) -> TransferProcess:
    return replace(process, intents=tuple(it for it in process.intents if not unwanted(it)))


def _no_sweep(before: TransferProcess, task: Task, decision: Outcome) -> TransferProcess:
    del before, task
    return _without(decision.process, lambda it: "sweep" in it.detail)


def _late_results_ignored(before: TransferProcess, task: Task, decision: Outcome) -> TransferProcess:
    is_late = isinstance(task, Done) and before.intent(task.intent_id) is None
    return before if is_late else _without(decision.process, lambda it: "sweep" in it.detail)


def _access_not_revoked_on_failure(before: TransferProcess, task: Task, decision: Outcome) -> TransferProcess:
    del before, task
    failed = decision.process.error is not None
    return _without(decision.process, lambda it: failed and it.kind is IntentKind.REVOKE_ACCESS)


def _secret_kept_by_provider(before: TransferProcess, task: Task, decision: Outcome) -> TransferProcess:
    del before, task
    return _without(decision.process, lambda it: it.kind is IntentKind.DROP_SECRET)


def _flow_not_stopped(before: TransferProcess, task: Task, decision: Outcome) -> TransferProcess:
    del before, task
    return _without(decision.process, lambda it: it.kind is IntentKind.TERMINATE_DATA_FLOW)


def _no_deadlines(before: TransferProcess, task: Task, decision: Outcome) -> TransferProcess:
    late = isinstance(task, Look) and before.deadline_at is not None and decision.process.error is not None
    return before if late else decision.process


def _verification_skipped(before: TransferProcess, task: Task, decision: Outcome) -> TransferProcess:
    """A look that finds nothing counts as delivered."""
    is_absent = isinstance(task, Done) and task.result.get("outcome") == "absent"
    if not is_absent or before.role is Role.PROVIDER or not isinstance(task, Done):
        return decision.process
    found = Done(task.intent_id, task.kind, {"outcome": "verified", "blobs": 1, "bytes": 3, "root": "0"})
    return consumer_decisions.decide(before, found, moment()).process


def _no_inbox(before: TransferProcess, task: Task, decision: Outcome) -> TransferProcess:
    """Nobody remembers which messages were applied."""
    del before, task
    return replace(decision.process, inbox=())


def _start_refused_when_complete(before: TransferProcess, task: Task, decision: Outcome) -> Outcome:
    """A start that was held up is an error to who has found everything already."""
    is_late = isinstance(task, Received) and task.kind is MessageKind.TRANSFER_START
    over = before.state is TransferState.COMPLETED and decision.process == before
    return replace(decision, refused="not allowed") if is_late and over else decision


def _flow_not_suspended(before: TransferProcess, task: Task, decision: Outcome) -> TransferProcess:
    del before, task
    return _without(decision.process, lambda it: it.kind is IntentKind.SUSPEND_DATA_FLOW)


def _flow_not_resumed(before: TransferProcess, task: Task, decision: Outcome) -> TransferProcess:
    del before, task
    return _without(decision.process, lambda it: it.kind is IntentKind.RESUME_DATA_FLOW)


def _start_known_while_suspending(before: TransferProcess, task: Task, decision: Outcome) -> Outcome:
    """Who tells of its suspension takes a start for an old one."""
    is_start = isinstance(task, Received) and task.kind is MessageKind.TRANSFER_START
    return Decision(before) if is_start and before.state is TransferState.SUSPENDING else decision


# Mishaps after which both sides must agree in the end whether they are suspended.
NO_DEADLINES = ("dies", "repeated", "hears no answer", "is not heard")

DEFECTS_OF_PAUSES: tuple[Defect, ...] = (
    Defect("a suspended flow goes on", _changed(_flow_not_suspended)),
    Defect("a resumed flow stands still", _changed(_flow_not_resumed)),
    Defect("a start is known while a suspension is told", _changed(_start_known_while_suspending), needs=NO_DEADLINES),
)

DEFECTS: tuple[Defect, ...] = (
    Defect("no If-Match", _changed(lambda before, task, decision: decision.process), writes_blindly=True),
    Defect("no inbox", _changed(_no_inbox), needs=("repeated", "terminates")),
    Defect("no sweep after a withdrawal", _changed(_no_sweep), needs=("terminates", "deprovisions", "dies")),
    Defect("late results are ignored", _changed(_late_results_ignored)),
    Defect("verification is skipped", _changed(_verification_skipped)),
    Defect("access is not revoked on failure", _changed(_access_not_revoked_on_failure)),
    Defect("the provider keeps the secret", _changed(_secret_kept_by_provider)),
    Defect("a flow is not stopped", _changed(_flow_not_stopped), needs=("dies", "terminates")),
    Defect("no deadlines", _changed(_no_deadlines)),
    Defect("a late start is refused", _changed(_start_refused_when_complete)),
)
