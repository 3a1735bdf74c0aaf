"""The use cases of a data plane: start a flow, go on with it, ask about it, stop it. No JSON, no HTTP."""

from dataclasses import dataclass, replace

from ferry.control_plane import announced_flows, flow_decisions
from ferry.control_plane.engine import Handled
from ferry.control_plane.process_service import ProcessService
from ferry.control_plane.progress import progress_of, told_progress
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import Command, CommandKind, FlowReport
from ferry.domain.faults import AlreadyExists, NotFound
from ferry.ports.work import Lane, LookMessage, TaskQueue


def report_of(flow: DataFlow) -> FlowReport:
    """What a control plane wants to know of a flow."""
    return FlowReport(flow.state.value, flow.summary or {}, flow.error)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowService(ProcessService[DataFlow]):
    """The flows of one data plane."""

    def accept(self, flow: DataFlow, *, announced: bool = False) -> Handled[DataFlow]:
        """Begin a flow whose end is told to its callback address; the same flow again is answered like the first.

        `announced`: so is that it has started, and nothing is copied before.
        """
        moment = self.engine.moment()
        begun = announced_flows.begin(flow, moment) if announced else flow_decisions.begin(flow, moment, answered=False)
        try:
            return self.engine.begin(begun)
        except AlreadyExists:
            return self.engine.found(self.engine.load(flow.id))

    def run(self, flow: DataFlow) -> Handled[DataFlow]:
        """Begin a flow and copy its first slice before returning; the same flow again goes on where nobody is at it."""
        begun = flow_decisions.begin(flow, self.engine.moment(), answered=True)
        try:
            return self.engine.begin(begun, held=begun.intents[0])
        except AlreadyExists:
            return self.look(flow.id, None) or Handled(begun)

    def suspend(self, flow_id: str, reason: str) -> DataFlow | None:
        """Let a flow stand still; a finished one stays as it is. None where there is none."""
        try:
            return self.engine.handle(flow_id, Command(CommandKind.SUSPEND, reason)).process
        except NotFound:
            return None

    def resume(self, flow_id: str) -> Handled[DataFlow] | None:
        """Let a flow go on from where it stood still. None where there is none."""
        try:
            return self.engine.handle(flow_id, Command(CommandKind.RESUME))
        except NotFound:
            return None

    def complete(self, flow_id: str) -> DataFlow | None:
        """The control plane says that a flow is complete; a finished one stays as it is. None where there is none."""
        try:
            return self.engine.handle(flow_id, Command(CommandKind.COMPLETE)).process
        except NotFound:
            return None

    def terminate(self, flow_id: str, reason: str) -> None:
        """Stop a flow; an unknown or finished one is fine."""
        try:
            self.engine.handle(flow_id, Command(CommandKind.TERMINATE, reason))
        except NotFound:
            return


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedDataPlane:
    """The data plane in the same app (ports.DataPlane): it may have finished a flow when `start` returns."""

    flows: FlowService
    queue: TaskQueue

    def start(self, flow: DataFlow) -> FlowReport:
        """Start it, or go on with it."""
        return self._answer(self.flows.run(flow))

    def status(self, flow_id: str) -> FlowReport | None:
        """How it stands; one that nobody is at is gone on with."""
        handled = self.flows.look(flow_id, None)
        return self._answer(handled) if handled else None

    def suspend(self, flow_id: str, reason: str) -> FlowReport | None:
        """Let it stand still: whoever copies notices it at the next checkpoint."""
        flow = self.flows.suspend(flow_id, reason)
        return report_of(flow) if flow else None

    def resume(self, flow: DataFlow, flow_id: str) -> FlowReport:
        """Go on with it in the data plane's own queue."""
        handled = self.flows.resume(flow_id)
        return self._answer(handled) if handled else self.start(flow)

    def complete(self, flow_id: str) -> None:
        """Stop it: only a pull can be complete before its data plane says so."""
        self.flows.terminate(flow_id, "complete")

    def terminate(self, flow_id: str, reason: str) -> None:
        """Stop it."""
        self.flows.terminate(flow_id, reason)

    def _answer(self, handled: Handled[DataFlow]) -> FlowReport:
        """What is left of a long copy goes on in the data plane's own queue."""
        if handled.looks:
            message = LookMessage(Lane.DATA_FLOW, handled.process.id, None, handled.process.trace_parent)
            self.queue.send(message, delay_seconds=0)
        flow = handled.process
        return replace(report_of(flow), progress=told_progress(progress_of(flow, self.flows.engine.clock.now())))
