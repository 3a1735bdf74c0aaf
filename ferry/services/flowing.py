"""Composition of the data flows of a participant: engine, copy, and the way back to the control plane."""

from collections.abc import Callable
from dataclasses import dataclass

from ferry.control_plane.engine import Engine
from ferry.control_plane.flows import FlowService
from ferry.control_plane.plane_flows import PlaneFlowService
from ferry.control_plane.rules import FlowRules
from ferry.control_plane.transfers import TransferService
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import FlowReport
from ferry.domain.faults import NotFound
from ferry.domain.process import IntentKind, JsonObject
from ferry.effects.flows import FlowNotifier
from ferry.effects.remote_data_plane import RemoteControlPlane
from ferry.ports.copying import ControlPlane
from ferry.services.copying import Copies, copies
from ferry.services.outside import Outside
from ferry.settings import Settings


def flow_service(
    settings: Settings,
    outside: Outside,
    transfers: Callable[[], TransferService],
    hosted: Callable[[], PlaneFlowService],
) -> tuple[FlowService, Copies]:
    """The data flows of one participant, and how they copy.

    `transfers` and `hosted` are asked for when the first one ends.
    """
    copying = copies(settings, outside, lambda: engine)
    told = _ToldControlPlane(RemoteControlPlane(peer=outside.plane_peer), transfers, hosted, outside)
    engine = Engine[DataFlow](
        kind="DataFlow",
        store=outside.flows,
        queue=outside.queue,
        rules=FlowRules(),
        performers={
            IntentKind.COPY: copying.copying.copy,
            IntentKind.DROP_SECRET: lambda flow, _: _drop_secret(outside, flow),
            IntentKind.NOTIFY_CONTROL_PLANE: FlowNotifier(control_plane=lambda: told).notify,
        },
        clock=outside.clock,
        ids=outside.ids,
        limits=settings.limits,
        janitor_seconds=settings.janitor_seconds,
    )
    return FlowService(engine=engine), copying


def _drop_secret(outside: Outside, flow: DataFlow) -> JsonObject:
    """The SAS that came with the order of a flow."""
    outside.vault.delete(flow.target.secret_name)
    return {}


@dataclass(frozen=True, slots=True)
class _ToldControlPlane:
    """ports.ControlPlane: the one in this app, or the one that the flow's callback address names."""

    remote: ControlPlane
    transfers: Callable[[], TransferService]
    hosted: Callable[[], PlaneFlowService]
    outside: Outside

    def report(self, flow: DataFlow, report: FlowReport, *, attempt: int = 0) -> None:
        if flow.fetched:
            self._report_fetched(flow, report)
            return
        if flow.callback_address is not None:
            self.remote.report(flow, report, attempt=attempt)
            return
        try:
            handled = self.transfers().report(flow.id, report)
        except NotFound:
            return
        for look in handled.looks:
            self.outside.queue.send(look, delay_seconds=0)

    def _report_fetched(self, flow: DataFlow, report: FlowReport) -> None:
        """The copy of a flow that this plane fetches: the flow itself tells its control plane."""
        handled = self.hosted().report(flow.id, report)
        for look in handled.looks if handled else ():
            self.outside.queue.send(look, delay_seconds=0)
