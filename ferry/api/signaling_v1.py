"""EDC's own signaling of versions up to 0.18, as endpoints of a data plane: the same flows under other paths."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.signaling_plane import PlaneApi, demand_of
from ferry.control_plane.flows import report_of
from ferry.control_plane.plane_flows import HandledFlow
from ferry.domain.decision import Command, CommandKind
from ferry.domain.faults import NotFound
from ferry.domain.plane_flow import PlaneFlow, PlaneFlowState
from ferry.protocol import signaling, signaling_v1
from ferry.protocol.reader import load
from ferry.protocol.signaling_flows import AZURE_STORAGE_PULL, FlowOrder

_UNREADY = frozenset({PlaneFlowState.PREPARING, PlaneFlowState.STARTING})


@dataclass(frozen=True, slots=True, kw_only=True)
class EdcPlaneApi:
    """`/v1/dataflows`. `plane` has the flows, and knows who is let in."""

    plane: PlaneApi

    def start(self, request: ApiRequest) -> ApiAnswer:
        """POST, also of one that stands still: EDC knows no other way to resume it."""
        return self._answered(request, self._start)

    def prepare(self, request: ApiRequest) -> ApiAnswer:
        """POST /prepare, at a consumer's plane."""
        return self._answered(request, self._prepare)

    def state(self, request: ApiRequest) -> ApiAnswer:
        """GET /{id}/state."""
        return self._answered(request, self._state)

    def suspend(self, request: ApiRequest) -> ApiAnswer:
        """POST /{id}/suspend."""
        return self._answered(request, lambda it: self._ordered(it, CommandKind.SUSPEND))

    def terminate(self, request: ApiRequest) -> ApiAnswer:
        """POST /{id}/terminate; of a flow that is over already, nothing is left to do."""
        return self._answered(request, lambda it: self._ordered(it, CommandKind.TERMINATE))

    def check(self, request: ApiRequest) -> ApiAnswer:
        """GET /check: EDC asks whether the plane is there."""
        return self._answered(request, lambda _: ApiAnswer(204))

    def _start(self, request: ApiRequest) -> ApiAnswer:
        body, pushes = load(request.body), self.plane.pushes
        order = signaling_v1.read_order(body, callback=self.plane.callback, path="sourceDataAddress")
        if order.transfer_type == AZURE_STORAGE_PULL:
            return self._served(order)
        known = pushes.flows.engine.store.load(order.process_id)
        if known is not None and signaling_v1.is_resumption(known.document):
            handled = pushes.flows.resume(order.process_id)
            looks = handled.looks if handled else ()
            return ApiAnswer(200, signaling_v1.response_message(provisioning=False), looks=looks)
        answer = pushes.accepted(*signaling_v1.read_push(body, order, now=pushes.clock.now()))
        return replace(answer, body=signaling_v1.response_message(provisioning=False))

    def _served(self, order: FlowOrder) -> ApiAnswer:
        known = self._flow(order.process_id)
        if known is not None and known.state is PlaneFlowState.SUSPENDED:
            return self._response(self.plane.flows.order(known.id, Command(CommandKind.RESUME)))
        demand = replace(demand_of(order), served=signaling_v1.read_served(order), dialect=signaling_v1.DIALECT)
        return self._response(self.plane.begun(demand, at_once=False))

    def _prepare(self, request: ApiRequest) -> ApiAnswer:
        order = signaling_v1.read_order(load(request.body), callback=self.plane.callback, path="destination")
        wanted = signaling_v1.read_wanted(order)
        demand = replace(demand_of(order), wanted=wanted, dialect=signaling_v1.DIALECT)
        return self._response(self.plane.begun(demand, at_once=False))

    def _state(self, request: ApiRequest) -> ApiAnswer:
        wanted_id = request.route.get("id", "")
        flow = self._flow(wanted_id)
        state = flow.state_name if flow else report_of(self.plane.pushes.flows.get(wanted_id)).state
        return ApiAnswer(200, signaling_v1.state_message(state))

    def _ordered(self, request: ApiRequest, kind: CommandKind) -> ApiAnswer:
        wanted_id = request.route.get("id", "")
        reason = signaling.read_reason(load(request.body or b"{}"))
        flow, copies = self._flow(wanted_id), self.plane.pushes.flows
        if flow is not None:
            return ApiAnswer(204, looks=self.plane.flows.order(flow.id, Command(kind, reason)).looks)
        copies.get(wanted_id)
        if kind is CommandKind.SUSPEND:
            copies.suspend(wanted_id, reason)
        else:
            copies.terminate(wanted_id, reason)
        return ApiAnswer(204)

    def _response(self, handled: HandledFlow) -> ApiAnswer:
        flow = handled.process
        is_unready = flow.state in _UNREADY
        address = None if is_unready else self.plane.addresses.of(flow)
        message = signaling_v1.response_message(provisioning=is_unready, address=address)
        return ApiAnswer(200, message, looks=handled.looks)

    def _flow(self, flow_id: str) -> PlaneFlow | None:
        try:
            return self.plane.flows.get(flow_id)
        except NotFound:
            return None

    def _answered(self, request: ApiRequest, answer: Callable[[ApiRequest], ApiAnswer]) -> ApiAnswer:
        return self.plane.pushes.callers.answered(request, answer)
