"""Data Plane Signaling's endpoints: those of a data plane, and the way back to a control plane.

Both planes belong to one participant, so only that participant is let in.
"""

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from ferry.api.http import ApiAnswer, ApiRequest, BodyTooLarge, check_size
from ferry.control_plane.flows import FlowService, report_of
from ferry.control_plane.transfers import TransferService
from ferry.domain.data_flow import DataFlow
from ferry.domain.faults import AlreadyExists, EffectFailed, InvalidInput, NotFound
from ferry.domain.states import FlowState
from ferry.ports import Clock, LookMessage
from ferry.protocol import signaling
from ferry.protocol.identity import Identity, Unauthenticated
from ferry.protocol.reader import load

log = logging.getLogger("ferry.signaling")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalingApi:
    """The endpoints of one participant's planes."""

    participant_id: str
    identity: Identity
    flows: FlowService
    transfers: TransferService
    clock: Clock
    check_peer_address: Callable[[str], None]

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
        return self._answered(request, self._terminate)

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
        flow = signaling.read_start(load(request.body), now=self.clock.now())
        if flow.callback_address is None:
            raise InvalidInput.at("callbackAddress", "is required: where the end of the flow is told")
        self.check_peer_address(flow.callback_address)
        handled = self.flows.accept(flow)
        message = signaling.status_message(flow.id, report_of(handled.process), message_id=str(uuid.uuid4()))
        return ApiAnswer(200, message, looks=handled.looks)

    def _status(self, request: ApiRequest) -> ApiAnswer:
        flow = self.flows.get(request.route.get("id", ""))
        return ApiAnswer(200, signaling.status_message(flow.id, report_of(flow), message_id=str(uuid.uuid4())))

    def _terminate(self, request: ApiRequest) -> ApiAnswer:
        flow = self.flows.get(request.route.get("id", ""))
        self.flows.terminate(flow.id, signaling.read_reason(load(request.body)))
        return ApiAnswer(200)

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
        report = signaling.read_callback(load(request.body), process_id, state)
        handled = self.transfers.report(process_id, report)
        return ApiAnswer(200, looks=handled.looks)

    def _answered(self, request: ApiRequest, answer: Callable[[ApiRequest], ApiAnswer]) -> ApiAnswer:
        try:
            check_size(request)
            if self.identity.identify(request.headers.get("authorization")) != self.participant_id:
                raise Unauthenticated("only the participant's own planes may call here")
            return answer(request)
        except Unauthenticated as error:
            log.info("refused a caller: %s", error)
            return ApiAnswer(401, {"error": "the caller did not show that it belongs to this participant"})
        except BodyTooLarge as error:
            return ApiAnswer(413, {"error": str(error)})
        except InvalidInput as error:
            return ApiAnswer(400, {"error": [f"{fault.path}: {fault.message}" for fault in error.faults]})
        except NotFound as error:
            return ApiAnswer(404, {"error": str(error)})
        except AlreadyExists as error:
            return ApiAnswer(409, {"error": str(error)})
        except EffectFailed as error:
            return ApiAnswer(503 if error.fault.retryable else 400, {"error": error.fault.message})
