"""Defects that are put into a participant on purpose: each breaks one rule of the design, and has to be found.

Each takes the core of one life of a process and changes it in place, so that a process which starts again has it, too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ferry.control_plane.engine import Engine, Handled
from ferry.control_plane.engine_run import Run
from ferry.control_plane.rules import FlowRules, TransferRules
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import Decision, Done, Moment, Received, Task
from ferry.domain.process import Intent, IntentKind, JsonObject, Process
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.stores import IndexRow, Record
from ferry.services.compose import Core
from tests.crash.hosts import Install

type Transfers = Engine[TransferProcess]


@dataclass(frozen=True, slots=True)
class Defect:
    """What is wrong, how it gets in, the play that shows it, and what is said then. `at`: points to try, by effect."""

    name: str
    install: Install
    scenario: str
    sign: str
    at: str = ""

    def __str__(self) -> str:
        return self.name


class ActsBeforeCommit[P: Process](Engine[P]):
    """Performs a new process's first effects, and commits then."""

    def begin(self, process: P, *, budget_seconds: float = 0.0, held: Intent | None = None) -> Handled[P]:
        """Act, then commit."""
        run = Run(None, process)
        for intent in self._due(process):
            self._apply(run, self._perform(process, intent))
        self._commit(run)
        return self._go_on(run, budget_seconds)


class IndexesAfterCommit[P: Process](Engine[P]):
    """Writes index rows when the document is there."""

    def _write(self, record: Record[P] | None, process: P, rows: Sequence[IndexRow]) -> Record[P]:
        written = super()._write(record, process, ())
        self.store.announce(rows)
        return written


class LosesOutbox[P: Process](Engine[P]):
    """Takes a message off the document, and sends it then."""

    def _perform_all(self, run: Run[P], due: tuple[Intent, ...]) -> None:
        message = next((intent for intent in due if intent.kind is IntentKind.SEND_MESSAGE), None)
        if message is None:
            super()._perform_all(run, due)
            return
        before = run.working
        self._apply(run, Done(message.id, message.kind))
        self._commit(run)
        self._perform(before, message)


class SendsInHandlers[P: Process](Engine[P]):
    """Goes on at once when a peer's message was applied."""

    def handle(
        self,
        process_id: str,
        task: Task,
        *,
        budget_seconds: float = 0.0,
        admits: Callable[[P], bool] | None = None,
        known: Record[P] | None = None,
    ) -> Handled[P]:
        """Handle, with a second to spare for the peer's message."""
        seconds = 1.0 if isinstance(task, Received) else budget_seconds
        return super().handle(process_id, task, budget_seconds=seconds, admits=admits, known=known)


class LeavesAccess(TransferRules):
    """Does not take the SAS back from a transfer that has failed."""

    def decide(self, process: TransferProcess, task: Task, moment: Moment) -> Decision[TransferProcess]:
        """The decision without the clean-up."""
        decision = super().decide(process, task, moment)
        has_failed = (
            decision.process.state is TransferState.TERMINATED and process.state is not TransferState.TERMINATED
        )
        return (
            replace(decision, process=decision.process.without_kinds(IntentKind.REVOKE_ACCESS))
            if has_failed
            else decision
        )


class LearnsContainer(TransferRules):
    """Learns the container's name from the effect, where it should have been in the document before."""

    def decide(self, process: TransferProcess, task: Task, moment: Moment) -> Decision[TransferProcess]:
        """The decision with the name that the effect has chosen."""
        decision = super().decide(process, task, moment)
        name = task.result.get("container") if isinstance(task, Done) else None
        destination = decision.process.destination
        if not isinstance(name, str) or destination is None:
            return decision
        return replace(decision, process=replace(decision.process, destination=replace(destination, container=name)))


class TrustsAnyAttempt(FlowRules):
    """Takes the result of a copy from whoever brings it."""

    def decide(self, process: DataFlow, task: Task, moment: Moment) -> Decision[DataFlow]:
        """The decision as if the attempt were that of the lease."""
        if isinstance(task, Done) and task.kind is IntentKind.COPY:
            holder = process.intent(task.intent_id)
            task = replace(task, result={**task.result, "attempt": holder.attempt if holder else 0})
        return super().decide(process, task, moment)


def _perform_instead(kind: IntentKind, performer: Callable[[TransferProcess, Intent], JsonObject]) -> Install:
    def install(core: Core) -> None:
        core.transfers.engine.performers = {**core.transfers.engine.performers, kind: performer}

    return install


def _negotiate_in_handlers(core: Core) -> None:
    core.negotiations.engine.__class__ = SendsInHandlers


def _of_class(engine: type[Transfers]) -> Install:
    def install(core: Core) -> None:
        core.transfers.engine.__class__ = engine

    return install


def _ruled_by(rules: TransferRules) -> Install:
    def install(core: Core) -> None:
        core.transfers.engine.rules = rules

    return install


def _choose_container_late(core: Core) -> None:
    engine = core.transfers.engine
    usual = engine.performers[IntentKind.PREPARE_DESTINATION]

    def prepare(process: TransferProcess, intent: Intent) -> JsonObject:
        assert process.destination is not None
        name = f"ferry-{core.outside.ids.fresh()}"
        moved = replace(process, destination=replace(process.destination, container=name))
        return {**usual(moved, intent), "container": name}

    engine.performers = {**engine.performers, IntentKind.PREPARE_DESTINATION: prepare}
    engine.rules = LearnsContainer()


def _trust_any_attempt(core: Core) -> None:
    core.flows.engine.rules = TrustsAnyAttempt()
    flows = core.flows.engine

    def amend(process_id: str, change: Callable[[DataFlow], DataFlow | None]) -> bool:
        Engine[DataFlow].amend(flows, process_id, change)
        return True

    flows.amend = amend


def _trust(process: TransferProcess, intent: Intent) -> JsonObject:
    del process, intent
    return {"outcome": "verified", "blobs": 2, "bytes": 10, "root": ""}


DEFECTS: tuple[Defect, ...] = (
    Defect("act before commit", _of_class(ActsBeforeCommit), "happy path", "consumer secrets"),
    Defect("index after commit", _of_class(IndexesAfterCommit), "happy path", "transfer-1 is listed"),
    Defect("lost outbox", _of_class(LosesOutbox), "happy path", "DEADLINE_EXCEEDED"),
    Defect("handler of a peer's message sends", _negotiate_in_handlers, "happy path", "while it answers a peer"),
    Defect("container named at each attempt", _choose_container_late, "happy path", "2 containers", "create_container"),
    Defect("SAS not revoked on failure", _ruled_by(LeavesAccess()), "source blob missing", "policies are left"),
    Defect(
        "verification skipped", _perform_instead(IntentKind.VERIFY_DELIVERY, _trust), "forged marker", "'COMPLETED'"
    ),
    Defect("attempt of a copy not checked", _trust_any_attempt, "stalled copy", "DESTINATION_EXISTS"),
)
