"""Composition of the data flows of a participant: engine, copy, and the way back to the control plane."""

from collections.abc import Callable
from dataclasses import dataclass

from ferry.control_plane.engine import Engine
from ferry.control_plane.flows import FlowService
from ferry.control_plane.rules import FlowRules
from ferry.control_plane.transfers import TransferService
from ferry.data_plane.copy import CopyOptions, CopyRunner
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import FlowReport
from ferry.domain.faults import NotFound
from ferry.domain.process import IntentKind
from ferry.effects.flows import Copying, FlowNotifier
from ferry.effects.remote_data_plane import RemoteControlPlane
from ferry.ports import ControlPlane
from ferry.services.accounts import account_directory
from ferry.services.outside import Outside
from ferry.settings import Settings


def flow_service(settings: Settings, outside: Outside, transfers: Callable[[], TransferService]) -> FlowService:
    """The data flows of one participant. `transfers` is asked for when the first one ends."""
    runner = CopyRunner(
        outside.storage,
        outside.blobs,
        vault=outside.vault,
        accounts=account_directory(settings, outside),
        clock=outside.clock,
        options=CopyOptions(sas_grace_seconds=settings.sas_grace_seconds),
    )
    copying = Copying(runner=runner, engine=lambda: engine)
    told = _ToldControlPlane(RemoteControlPlane(peer=outside.plane_peer), transfers, outside)
    engine = Engine[DataFlow](
        kind="DataFlow",
        store=outside.flows,
        queue=outside.queue,
        rules=FlowRules(),
        performers={
            IntentKind.COPY: copying.copy,
            IntentKind.NOTIFY_CONTROL_PLANE: FlowNotifier(control_plane=lambda: told).notify,
        },
        clock=outside.clock,
        ids=outside.ids,
        limits=settings.limits,
        janitor_seconds=settings.janitor_seconds,
    )
    return FlowService(engine=engine)


@dataclass(frozen=True, slots=True)
class _ToldControlPlane:
    """ports.ControlPlane: the one in this app, or the one that the flow's callback address names."""

    remote: ControlPlane
    transfers: Callable[[], TransferService]
    outside: Outside

    def report(self, flow: DataFlow, report: FlowReport) -> None:
        if flow.callback_address is not None:
            self.remote.report(flow, report)
            return
        try:
            handled = self.transfers().report(flow.id, report)
        except NotFound:
            return
        for look in handled.looks:
            self.outside.queue.send(look, delay_seconds=0)
