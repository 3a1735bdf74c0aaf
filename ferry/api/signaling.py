"""Data Plane Signaling's endpoints: those of a data plane, and the way back to a control plane.

Both planes belong to one participant, so only that participant is let in.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.signaling_access import OPEN, PlaneCallers
from ferry.control_plane.flows import FlowService, report_of
from ferry.control_plane.progress import progress_of, told_progress
from ferry.control_plane.transfers import TransferService
from ferry.domain.data_flow import DataFlow
from ferry.domain.faults import InvalidInput, NotFound
from ferry.domain.process import JsonObject
from ferry.domain.secret import Secret
from ferry.domain.states import FlowState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.clock import Clock
from ferry.ports.vault import Vault
from ferry.ports.work import LookMessage
from ferry.protocol import signaling
from ferry.protocol.reader import load


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalingApi:
    """The endpoints of one participant's planes.

    `own_secrets` are names, in small letters, that no data address may name. `is_remote`: whether a data plane in
    another app runs a transfer, so that it may tell news of it.
    """

    callers: PlaneCallers
    vault: Vault
    flows: FlowService
    transfers: TransferService
    clock: Clock
    check_peer_address: Callable[[str], None]
    is_remote: Callable[[TransferProcess], bool]
    own_secrets: frozenset[str] = frozenset()

    def let_in(self) -> Self:
        """The same for a caller that was checked already: what shows who it is may serve but once."""
        return replace(self, callers=replace(self.callers, mode=OPEN))

    def check_names(self, *names: str | None) -> None:
        """Raises InvalidInput where an order names a secret that is for the app alone."""
        if any((name or "").lower() in self.own_secrets for name in names):
            raise InvalidInput.at("keyName", "is the name of this participant's signing key, which no address may name")

    def start(self, request: ApiRequest) -> ApiAnswer:
        """POST /dataflows/start."""
        return self._answered(request, self._start)

    def status(self, request: ApiRequest) -> ApiAnswer:
        """GET /dataflows/{id}/status."""
        return self._answered(request, self._status)

    def terminate(self, request: ApiRequest) -> ApiAnswer:
        """POST /dataflows/{id}/terminate."""
        return self._answered(request, self._terminate)

    def suspend(self, request: ApiRequest) -> ApiAnswer:
        """POST /dataflows/{id}/suspend."""
        return self._answered(request, self._suspend)

    def resume(self, request: ApiRequest) -> ApiAnswer:
        """POST /dataflows/{id}/resume."""
        return self._answered(request, self._resume)

    def complete(self, request: ApiRequest) -> ApiAnswer:
        """POST /dataflows/{id}/completed: nobody needs it any more."""
        return self._answered(request, self._complete)

    def prepared(self, request: ApiRequest) -> ApiAnswer:
        """POST /transfers/{id}/dataflow/prepared, at the control plane: with the data address of a push."""
        return self._answered(request, lambda request: self._told(request, FlowState.PREPARED))

    def started(self, request: ApiRequest) -> ApiAnswer:
        """POST /transfers/{id}/dataflow/started, at the control plane: with the data address of a pull."""
        return self._answered(request, lambda request: self._told(request, FlowState.STARTED))

    def completed(self, request: ApiRequest) -> ApiAnswer:
        """POST /transfers/{id}/dataflow/completed, at the control plane."""
        return self._answered(request, lambda request: self._told(request, FlowState.COMPLETED))

    def errored(self, request: ApiRequest) -> ApiAnswer:
        """POST /transfers/{id}/dataflow/errored, at the control plane."""
        return self._answered(request, lambda request: self._told(request, FlowState.FAILED))

    def _start(self, request: ApiRequest) -> ApiAnswer:
        return self.begun(load(request.body))

    def begun(self, body: JsonObject, *, callback: str = "", at_once: bool = False) -> ApiAnswer:
        """The flow of a push, begun once. `callback`: for an order that names no address; `at_once`: 202, and news."""
        return self.accepted(*signaling.read_push(body, now=self.clock.now(), callback=callback), at_once=at_once)

    def accepted(self, flow: DataFlow, secret: Secret | None, *, at_once: bool = False) -> ApiAnswer:
        """A push in our own words; its SAS lies in the vault before it is begun."""
        if flow.callback_address is None:
            raise InvalidInput.at("callbackAddress", "is required: where the end of the flow is told")
        self.check_peer_address(flow.callback_address)
        self.check_names(flow.source.key_name, flow.target.secret_name)
        if secret is not None and not self._is_over(flow.id):
            self.vault.store(flow.target.secret_name, secret, expires_at=flow.target.sas_expires_at)
        handled = self.flows.accept(flow, announced=at_once)
        status = 202 if handled.process.state is FlowState.STARTING else 200
        message = signaling.status_message(flow.id, report_of(handled.process), message_id=str(uuid.uuid4()))
        return ApiAnswer(status, message, looks=handled.looks)

    def _is_over(self, flow_id: str) -> bool:
        """A flow that has ended has dropped its SAS, and nothing would drop another one."""
        known = self.flows.engine.store.load(flow_id)
        return known is not None and known.document.is_final

    def _status(self, request: ApiRequest) -> ApiAnswer:
        flow = self.flows.get(request.route.get("id", ""))
        report = replace(report_of(flow), progress=told_progress(progress_of(flow, self.clock.now())))
        return ApiAnswer(200, signaling.status_message(flow.id, report, message_id=str(uuid.uuid4())))

    def _terminate(self, request: ApiRequest) -> ApiAnswer:
        flow = self.flows.get(request.route.get("id", ""))
        self.flows.terminate(flow.id, signaling.read_reason(load(request.body)))
        return self._standing(flow.id, self.flows.get(flow.id))

    def _complete(self, request: ApiRequest) -> ApiAnswer:
        flow = self.flows.get(request.route.get("id", ""))
        return self._standing(flow.id, self.flows.complete(flow.id) or flow)

    def _suspend(self, request: ApiRequest) -> ApiAnswer:
        flow = self.flows.get(request.route.get("id", ""))
        reason = signaling.read_reason(load(request.body))
        return self._standing(flow.id, self.flows.suspend(flow.id, reason) or flow)

    def _resume(self, request: ApiRequest) -> ApiAnswer:
        flow = self.flows.get(request.route.get("id", ""))
        handled = self.flows.resume(flow.id)
        return self._standing(flow.id, handled.process if handled else flow, handled.looks if handled else ())

    def _standing(self, flow_id: str, flow: DataFlow, looks: tuple[LookMessage, ...] = ()) -> ApiAnswer:
        message = signaling.status_message(flow_id, report_of(flow), message_id=str(uuid.uuid4()))
        return ApiAnswer(200, message, looks=looks)

    def _told(self, request: ApiRequest, state: FlowState) -> ApiAnswer:
        process_id = request.route.get("id", "")
        if not self.is_remote(self.transfers.get(process_id)):
            raise NotFound(self.transfers.engine.kind, process_id)
        report = signaling.read_callback(load(request.body), process_id, state)
        handled = self.transfers.report(process_id, report)
        return ApiAnswer(200, looks=handled.looks)

    def _answered(self, request: ApiRequest, answer: Callable[[ApiRequest], ApiAnswer]) -> ApiAnswer:
        return self.callers.answered(request, answer)
