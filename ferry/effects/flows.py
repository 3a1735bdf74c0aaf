"""Starts, asks about and stops data flows (step 7), runs the copy (steps 8-12), and tells its end."""

from collections.abc import Callable
from dataclasses import dataclass

from ferry.control_plane import announced_flows, steps
from ferry.control_plane.flows import report_of
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import FlowReport
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import Intent, Json, JsonObject
from ferry.domain.states import FlowState
from ferry.domain.transfer_process import TransferProcess
from ferry.effects.progress_news import news_of
from ferry.ports.copying import ControlPlane, DataPlane
from ferry.ports.vault import Vault


@dataclass(frozen=True, slots=True)
class ChosenPlane:
    """The data plane that runs a transfer. `callback_address` is None for the embedded one."""

    plane: DataPlane
    callback_address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowController:
    """The control plane's hand on its data planes. `plane_of` gives the one that a process is for (by its id).

    `wants_progress`: whether a callback wants to hear how far a transfer has come.
    """

    plane_of: Callable[[str | None], ChosenPlane]
    vault: Vault
    wants_progress: Callable[[TransferProcess], bool] = lambda _: False

    def start(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """Start the flow of a transfer; the same one again only asks."""
        del intent
        chosen = self.plane_of(process.data_plane)
        return self._told(process, chosen.plane.start(self.flow_of(process, chosen.callback_address)))

    def check(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """How it stands; an empty result where the plane does not know it."""
        del intent
        report = self.plane_of(process.data_plane).plane.status(_flow_id(process))
        return self._told(process, report) if report else {}

    def suspend(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """Let it stand still; an empty result where the plane does not know it."""
        reason = intent.detail.get("message")
        plane = self.plane_of(process.data_plane).plane
        report = plane.suspend(_flow_id(process), reason if isinstance(reason, str) else "suspended")
        return result_of(report) if report else {}

    def resume(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """Go on with it; of a pull the plane may give another address."""
        del intent
        chosen = self.plane_of(process.data_plane)
        flow = self.flow_of(process, chosen.callback_address)
        return self.kept(process, chosen.plane.resume(flow, _flow_id(process)))

    def complete(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """Nobody reads from it any more."""
        del intent
        self.plane_of(process.data_plane).plane.complete(_flow_id(process))
        return {}

    def terminate(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """Stop it."""
        del intent
        reason = process.error.message if process.error else "the transfer is over"
        self.plane_of(process.data_plane).plane.terminate(_flow_id(process), reason)
        return {}

    def _told(self, process: TransferProcess, report: FlowReport) -> JsonObject:
        """The report as a result, with its progress where somebody wants to hear of it."""
        news = news_of(report) if self.wants_progress(process) else {}
        return {**self.kept(process, report), **news}

    def kept(self, process: TransferProcess, report: FlowReport) -> JsonObject:
        """The report as a result; the data address of a pull lies in the vault when this returns."""
        if report.address is not None and process.is_pull and process.address_secret is not None:
            self.vault.store(process.address_secret, report.address)
        return result_of(report)

    def flow_of(self, process: TransferProcess, callback_address: str | None) -> DataFlow:
        """The flow of a transfer: its id is the transfer's, so there is never a second one."""
        if process.source is None or (process.destination is None and not process.is_pull):
            raise EffectFailed.because(FaultCode.ADDRESS_INVALID, f"transfer {process.id} has no addresses", step=7)
        return DataFlow(
            id=process.id,
            created_at=process.created_at,
            state_at=process.state_at,
            state=FlowState.STARTED,
            agreement_id=process.agreement_id,
            participant_id=process.counter_party_id,
            consumer_pid=process.consumer_pid,
            source=process.source,
            destination=process.destination,
            transfer_type=process.transfer_type,
            asset_id=process.asset_id,
            callback_address=callback_address,
            trace_parent=process.trace_parent,
        )


def _flow_id(process: TransferProcess) -> str:
    return process.data_flow_id or process.id


def result_of(report: FlowReport) -> JsonObject:
    """A report as the result of an intent."""
    result: dict[str, Json] = {"state": report.state, "summary": report.summary}
    if report.fault is not None:
        result["fault"] = steps.fault_content(report.fault)
    if report.flow_id:
        result["flow"] = report.flow_id
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowNotifier:
    """Tells the control plane of a flow that has ended."""

    control_plane: Callable[[], ControlPlane]

    def notify(self, flow: DataFlow, intent: Intent) -> JsonObject:
        """Tell it; the same news again is fine."""
        has_started = intent.detail.get("news") == announced_flows.STARTED_NEWS
        report = FlowReport(FlowState.STARTED.value) if has_started else report_of(flow)
        self.control_plane().report(flow, report, attempt=intent.attempt)
        return {}
