"""The use cases of flows that a data plane prepares, fetches or serves: begin, give an order. No JSON, no HTTP."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from ferry.control_plane import plane_flow_decisions
from ferry.control_plane.engine import Handled
from ferry.control_plane.process_service import ProcessService, allowed
from ferry.domain.data_address import SourceAddress
from ferry.domain.decision import Command, CommandKind, Decision, FlowReport, Moment, Task
from ferry.domain.faults import AlreadyExists, NotFound
from ferry.domain.plane_flow import PLANE_FLOW_FINAL, PlaneFlow, PlaneFlowKind, PlaneFlowState
from ferry.domain.process import Intent
from ferry.domain.secret import Secret
from ferry.ports.vault import Vault
from ferry.ports.work import Lane

type HandledFlow = Handled[PlaneFlow]


@dataclass(frozen=True, slots=True)
class PlaneFlowRules:
    """The pure decisions of these flows, as the engine wants them."""

    @property
    def final_states(self) -> frozenset[str]:
        """The names of the states that end a flow."""
        return frozenset(state.value for state in PLANE_FLOW_FINAL)

    def decide(self, process: PlaneFlow, task: Task, moment: Moment) -> Decision[PlaneFlow]:
        """The flow after the task."""
        return plane_flow_decisions.decide(process, task, moment)

    def next_look_at(self, process: PlaneFlow, moment: Moment) -> datetime | None:
        """When it wants to be looked at."""
        return plane_flow_decisions.next_look_at(process, moment)

    def take(self, process: PlaneFlow, intent: Intent, moment: Moment) -> PlaneFlow:
        """None of its intents is leased."""
        del intent, moment
        return process

    def lane(self, process: PlaneFlow) -> Lane:
        """The data plane's queue."""
        del process
        return Lane.PLANE_FLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneFlowService(ProcessService[PlaneFlow]):
    """The flows of one data plane. `inline_seconds`: how long an answer waits for a flow to become ready.

    `erase` takes away what a flow has created and nobody wants any more.
    """

    vault: Vault
    erase: Callable[[PlaneFlow], None]
    inline_seconds: float = 1.0

    def begin(self, flow: PlaneFlow, *, at_once: bool) -> HandledFlow:
        """Begin a flow and go on with it for a moment; the same one again is answered with how it stands.

        `at_once`: the caller does not want to wait. One that is not ready when this returns is told by a callback.
        """
        try:
            with self.slots.budget(0.0 if at_once else self.inline_seconds) as seconds:
                begun = plane_flow_decisions.begin(replace(flow, is_answered=seconds > 0), self.engine.moment())
                handled = self.engine.begin(begun, budget_seconds=seconds)
        except AlreadyExists:
            # Nobody may be waiting any more for the answer that the first one was to get.
            handled = self.engine.found(self.engine.load(flow.id))
        if handled.process.is_answered and handled.process.state in (PlaneFlowState.PREPARING, PlaneFlowState.STARTING):
            self.engine.amend(flow.id, plane_flow_decisions.told_later)
            return self.engine.found(self.engine.load(flow.id))
        return handled

    def started(self, flow_id: str, source: SourceAddress | None, address: Secret | None) -> HandledFlow:
        """The other side has started; its address lies in our vault before this is committed.

        Raises NotFound, IllegalTransition.
        """
        flow = self.get(flow_id)
        if address is not None and flow.kind is PlaneFlowKind.FETCH and flow.state is PlaneFlowState.PREPARED:
            self.vault.store(flow.secret_name, address)
        return allowed(self.engine.handle(flow_id, Command(CommandKind.START, source=source)))

    def order(self, flow_id: str, command: Command) -> HandledFlow:
        """An order of the control plane: committed when this returns, carried out by then as far as time allows.

        Raises NotFound, IllegalTransition.
        """
        return self.command(flow_id, command, inline_seconds=self.inline_seconds)

    def report(self, flow_id: str, report: FlowReport) -> HandledFlow | None:
        """The end of the copy of such a flow; None where the flow is none of these."""
        try:
            return self.engine.handle(flow_id, report)
        except NotFound:
            return None

    def may_leave(self, flow: PlaneFlow) -> bool:
        """A flow leaves; what one that was never complete has created leaves with it."""
        if flow.state is PlaneFlowState.TERMINATED:
            self.erase(flow)
        return True
