"""A data plane in another app, over Data Plane Signaling (step 7), and the way back to its control plane."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import FlowReport
from ferry.domain.faults import EffectFailed, FaultCode, InvalidInput
from ferry.domain.process import Json, JsonObject
from ferry.domain.states import FlowState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.peer import Peer, PeerAnswer
from ferry.protocol import signaling, signaling_v1

_AWAY = FaultCode.DATA_PLANE_UNAVAILABLE
# So often a control plane is told of a flow that it does not know: it may still be writing down that it asked for it.
UNKNOWN_TRIES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteDataPlane:
    """ports.DataPlane over HTTP; of our own app or of another maker.

    `url` is where `/start` and the rest are appended. A plane of ours shares the participant's vault.
    """

    url: str
    participant_id: str
    peer: Peer
    timeout_seconds: float = 10.0

    def start(self, flow: DataFlow) -> FlowReport:
        """POST /start; the same flow again is answered with how it stands."""
        return self._begun("start", signaling.START_PATH, flow)

    def prepare(self, process: TransferProcess, callback_address: str) -> FlowReport:
        """POST /prepare: what a consumer's plane answers, with its address where it has one already."""
        body = signaling.prepare_message(
            process, self.participant_id, callback_address=callback_address, message_id=str(uuid.uuid4())
        )
        answer = self._called(lambda: self.peer.post(f"{self.url}/prepare", body, audience=self.url))
        if answer.status not in (200, 201, 202):
            raise self._refused("prepare", process.id, answer)
        return self._report_in(answer, process.id)

    def started(self, flow_id: str, address: JsonObject | None) -> None:
        """POST /{id}/started: the provider has started, of a pull with its address."""
        body: dict[str, Json] = {"messageId": str(uuid.uuid4())}
        if address is not None:
            body["dataAddress"] = address
        url = f"{self.url}{signaling.flow_path(flow_id, 'started')}"
        answer = self._called(lambda: self.peer.post(url, body, audience=self.url))
        if answer.status not in (200, 202, 204):
            raise self._refused("started", flow_id, answer)

    def resume_prepared(self, flow_id: str) -> None:
        """POST /{id}/resume, of a flow that a consumer's plane has prepared."""
        answer = self._ordered("resume", flow_id, "the transfer is resumed")
        if answer.status == 404:
            raise self._refused("resume", flow_id, answer)

    def status(self, flow_id: str) -> FlowReport | None:
        """GET /{id}/status."""
        path = signaling.flow_path(flow_id, "status")
        answer = self._called(lambda: self._get(f"{self.url}{path}"))
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self._refused("status", flow_id, answer)
        return self._report_in(answer, flow_id)

    def suspend(self, flow_id: str, reason: str) -> FlowReport | None:
        """POST /{id}/suspend; a plane need not say how the flow stands then."""
        answer = self._ordered("suspend", flow_id, reason)
        if answer.status == 404:
            return None
        says = answer.body is not None and "state" in answer.body
        return self._report_in(answer, flow_id) if says else FlowReport(FlowState.SUSPENDED.value)

    def resume(self, flow: DataFlow, flow_id: str) -> FlowReport:
        """POST /{id}/resume, with what a start says; a plane that does not know the flow starts it."""
        return self._begun("resume", signaling.flow_path(flow_id, "resume"), flow)

    def complete(self, flow_id: str) -> None:
        """POST /{id}/completed."""
        self._ordered("completed", flow_id, "")

    def terminate(self, flow_id: str, reason: str) -> None:
        """POST /{id}/terminate."""
        self._ordered("terminate", flow_id, reason)

    def _begun(self, what: str, path: str, flow: DataFlow) -> FlowReport:
        parties = signaling.FlowParties(self.participant_id, flow.participant_id)
        body = signaling.start_message(flow, parties, message_id=str(uuid.uuid4()))
        answer = self._called(lambda: self.peer.post(f"{self.url}{path}", body, audience=self.url))
        if answer.status == 404 and what == "resume":
            return self.start(flow)
        if answer.status not in (200, 201, 202):
            raise self._refused(what, flow.id, answer)
        if what == "resume" and (answer.body is None or "state" not in answer.body):
            return FlowReport(FlowState.STARTED.value)
        return self._report_in(answer, flow.id)

    def _ordered(self, what: str, flow_id: str, reason: str) -> PeerAnswer:
        path = signaling.flow_path(flow_id, what)
        body = signaling.order_message(reason, message_id=str(uuid.uuid4()))
        answer = self._called(lambda: self.peer.post(f"{self.url}{path}", body, audience=self.url))
        if answer.status not in (200, 202, 204, 404):
            raise self._refused(what, flow_id, answer)
        return answer

    def _report_in(self, answer: PeerAnswer, flow_id: str) -> FlowReport:
        try:
            report = signaling.read_status(answer.body)
        except InvalidInput as error:
            message = f"what the data plane at {self.url} says of flow {flow_id} cannot be read ({error}); asked again"
            raise EffectFailed.because(_AWAY, message, retryable=True, step=7) from error
        named = (answer.body or {}).get("dataFlowId")
        return replace(report, flow_id=named) if isinstance(named, str) and named != flow_id else report

    def _get(self, url: str) -> PeerAnswer:
        return self.peer.get(url, audience=self.url, timeout_seconds=self.timeout_seconds)

    def _called(self, call: Callable[[], PeerAnswer]) -> PeerAnswer:
        try:
            return call()
        except EffectFailed as failure:
            message = f"the data plane at {self.url} cannot be reached: {failure.fault.message}"
            raise EffectFailed(replace(failure.fault, code=_AWAY, message=message, step=7)) from failure

    def _refused(self, what: str, flow_id: str, answer: PeerAnswer) -> EffectFailed:
        retryable = answer.status in (404, 409, 429) or answer.status >= 500
        message = f"the data plane at {self.url} answered {answer.status} to {what} of flow {flow_id}"
        return EffectFailed.because(_AWAY, message, retryable=retryable, step=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteControlPlane:
    """ports.ControlPlane over HTTP: POST to the flow's callback address."""

    peer: Peer

    def report(self, flow: DataFlow, report: FlowReport, *, attempt: int = 0) -> None:
        """Tell the control plane; raises EffectFailed (retryable) until it has taken the news, or never knows the flow.

        `attempt`: how often it was told before.
        """
        if flow.callback_address is None:
            return
        if flow.dialect == signaling_v1.DIALECT:
            news = "completed" if report.state == FlowState.COMPLETED.value else "errored"
            path, body = signaling_v1.news_path(flow.id, news), signaling_v1.news_body(news, report.fault)
        else:
            path = signaling.callback_path(flow.id, report)
            body = signaling.status_message(flow.id, report, message_id=str(uuid.uuid4()))
        answer = self.peer.post(f"{flow.callback_address}{path}", body, audience=flow.callback_address)
        if 200 <= answer.status < 300 or (answer.status == 404 and attempt + 1 >= UNKNOWN_TRIES):
            return
        message = f"the control plane at {flow.callback_address} answered {answer.status} about flow {flow.id}"
        raise EffectFailed.because(_AWAY, message, retryable=True, step=12)
