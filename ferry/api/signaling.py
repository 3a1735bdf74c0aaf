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
from ferry.domain.faults import AlreadyExists, EffectFailed, InvalidInput, NotFound
from ferry.ports import Clock
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

    def ended(self, request: ApiRequest) -> ApiAnswer:
        """POST /transfers/{id}/dataflow/completed or …/errored, at the control plane."""
        return self._answered(request, self._ended)

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
        self.flows.terminate(flow.id, signaling.read_terminate(load(request.body)))
        return ApiAnswer(200)

    def _ended(self, request: ApiRequest) -> ApiAnswer:
        report = signaling.read_status(load(request.body))
        handled = self.transfers.report(request.route.get("id", ""), report)
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
