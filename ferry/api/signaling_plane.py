"""Data Plane Signaling's endpoints of a data plane: prepare and start, what comes after, and how a flow stands.

A push of blobs of ours is a data flow of the copy engine; whatever else a control plane may ask for is a plane's flow.
Both are asked for under the same paths, and an id is that of one of them.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import quote

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.signaling import SignalingApi
from ferry.control_plane.begun_flows import FlowDemand, flow_of
from ferry.control_plane.plane_flows import HandledFlow, PlaneFlowService
from ferry.domain.decision import Command, CommandKind
from ferry.domain.faults import EffectFailed, InvalidInput
from ferry.domain.plane_flow import PlaneFlow, PlaneFlowState
from ferry.effects.plane_flows import PlaneAddresses, flow_report
from ferry.ports.work import LookMessage
from ferry.protocol import signaling, signaling_flows
from ferry.protocol.envelope import WrittenMessage
from ferry.protocol.reader import load
from ferry.telemetry import trace_parent

_UNREADY = frozenset({PlaneFlowState.PREPARING, PlaneFlowState.STARTING})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneApi:
    """The endpoints of one data plane. `pushes`: those of the copy engine's flows.

    `plane_url` is where `/dataflows` stands, `callback` where a control plane is told that names no address, `account`
    where data go whose order names no account, `public_endpoint` the endpoint that a peer has to be told of an account.
    """

    pushes: SignalingApi
    flows: PlaneFlowService
    addresses: PlaneAddresses
    plane_url: str
    callback: str
    account: str
    public_endpoint: Callable[[str, str | None], str | None]

    def prepare(self, request: ApiRequest) -> ApiAnswer:
        """POST /dataflows/prepare: 200 with the address where it is ready in a moment, else 202 and a callback."""
        return self.pushes.callers.answered(request, self._prepare)

    def start(self, request: ApiRequest) -> ApiAnswer:
        """POST /dataflows/start."""
        return self.pushes.callers.answered(request, self._start)

    def started(self, request: ApiRequest) -> ApiAnswer:
        """POST /dataflows/{id}/started, at a consumer's plane: with the provider's address, of a pull."""
        return self.pushes.callers.answered(request, self._started)

    def status(self, request: ApiRequest) -> ApiAnswer:
        """GET /dataflows/{id}/status."""
        return self._either(request, self._status, SignalingApi.status)

    def suspend(self, request: ApiRequest) -> ApiAnswer:
        """POST /dataflows/{id}/suspend."""
        return self._either(request, self._ordering(CommandKind.SUSPEND), SignalingApi.suspend)

    def resume(self, request: ApiRequest) -> ApiAnswer:
        """POST /dataflows/{id}/resume."""
        return self._either(request, self._ordering(CommandKind.RESUME), SignalingApi.resume)

    def complete(self, request: ApiRequest) -> ApiAnswer:
        """POST /dataflows/{id}/completed."""
        return self._either(request, self._ordering(CommandKind.COMPLETE), SignalingApi.complete)

    def terminate(self, request: ApiRequest) -> ApiAnswer:
        """POST /dataflows/{id}/terminate."""
        return self._either(request, self._ordering(CommandKind.TERMINATE), SignalingApi.terminate)

    def begun(self, demand: FlowDemand, *, at_once: bool) -> HandledFlow:
        """A flow that is demanded, begun once. Raises InvalidInput, EffectFailed."""
        self.pushes.check_peer_address(demand.callback_address)
        self.pushes.check_names(demand.served.key_name if demand.served else None)
        if demand.wanted is not None:
            place, managed = demand.wanted
            self.pushes.check_names(place.key_name)
            told = replace(place, endpoint=self.public_endpoint(place.account, place.endpoint))
            demand = replace(demand, wanted=(told, managed))
        handled = self.flows.begin(flow_of(demand, self.flows.engine.moment()), at_once=at_once)
        fault = handled.process.error
        if fault is not None:
            raise EffectFailed(fault)
        return handled

    def _prepare(self, request: ApiRequest) -> ApiAnswer:
        order = signaling_flows.read_order(load(request.body), callback=self.callback)
        demand = demand_of(order)
        demand = replace(demand, wanted=signaling_flows.read_wanted(order, account=self.account))
        handled = self.begun(demand, at_once=_wants_no_wait(request))
        return self._ready(handled)

    def _start(self, request: ApiRequest) -> ApiAnswer:
        body = load(request.body)
        kind = signaling_flows.transfer_type_of(body)
        if kind not in (signaling_flows.AZURE_STORAGE_PULL, signaling_flows.HTTP_PULL):
            answer = self.pushes.begun(body, callback=self.callback, at_once=_wants_no_wait(request))
            return self._with_place(answer, str(body.get("processId")))
        order = signaling_flows.read_order(body, callback=self.callback)
        demand = replace(demand_of(order), served=signaling_flows.read_served(order))
        return self._ready(self.begun(demand, at_once=_wants_no_wait(request)))

    def _started(self, request: ApiRequest) -> ApiAnswer:
        flow = self.flows.get(request.route.get("id", ""))
        told = signaling_flows.read_started(load(request.body or b"{}"), flow.transfer_type)
        if flow.copies and told is None:
            raise InvalidInput.at("dataAddress", "is required: where the data are to be fetched from")
        source, kept = (told.source, told.kept) if told else (None, None)
        if source is not None:
            self.addresses.accounts.endpoint(source.account, source.endpoint)
        handled = self.flows.started(flow.id, source, kept)
        return _status(200, handled.process, handled.looks)

    def _status(self, request: ApiRequest, flow: PlaneFlow) -> ApiAnswer:
        del request
        return _status(200, flow)

    def _ordering(self, kind: CommandKind) -> Callable[[ApiRequest, PlaneFlow], ApiAnswer]:
        def order(request: ApiRequest, flow: PlaneFlow) -> ApiAnswer:
            reason = signaling.read_reason(load(request.body or b"{}"))
            handled = self.flows.order(flow.id, Command(kind, reason))
            is_serving = kind is CommandKind.RESUME and handled.process.state is PlaneFlowState.STARTED
            address = self.addresses.of(handled.process) if is_serving else None
            return _status(200, handled.process, handled.looks, address=address)

        return order

    def _either(
        self,
        request: ApiRequest,
        answer: Callable[[ApiRequest, PlaneFlow], ApiAnswer],
        otherwise: Callable[[SignalingApi, ApiRequest], ApiAnswer],
    ) -> ApiAnswer:
        """The answer about a plane's flow, or about one of the copy engine; the caller is checked once."""

        def found(request: ApiRequest) -> ApiAnswer:
            record = self.flows.engine.store.load(request.route.get("id", ""))
            return otherwise(self.pushes.let_in(), request) if record is None else answer(request, record.document)

        return self.pushes.callers.answered(request, found)

    def _ready(self, handled: HandledFlow) -> ApiAnswer:
        flow = handled.process
        if flow.state not in _UNREADY:
            return _status(200, flow, handled.looks, address=self.addresses.of(flow))
        return self._with_place(_status(202, flow, handled.looks), flow.id)

    def _with_place(self, answer: ApiAnswer, flow_id: str) -> ApiAnswer:
        """A 202 says where the flow is asked about."""
        place = f"{self.plane_url}/dataflows/{quote(flow_id, safe=':')}/status"
        return replace(answer, headers={"Location": place}) if answer.status == 202 else answer


def demand_of(order: signaling_flows.FlowOrder) -> FlowDemand:
    """The demand of an order, without what depends on its kind."""
    return FlowDemand(
        process_id=order.process_id,
        participant_id=order.participant_id,
        counter_party_id=order.counter_party_id,
        agreement_id=order.agreement_id,
        asset_id=order.asset_id,
        transfer_type=order.transfer_type,
        callback_address=order.callback_address,
        is_pull=order.is_pull,
        consumer_pid=order.consumer_pid,
        trace_parent=trace_parent.get(),
    )


def _wants_no_wait(request: ApiRequest) -> bool:
    """Whether the caller asks for an answer before the work is done (RFC 7240)."""
    preferences = request.headers.get("prefer", "").lower().split(",")
    return any(it.strip() == "respond-async" for it in preferences)


def _status(
    status: int, flow: PlaneFlow, looks: tuple[LookMessage, ...] = (), *, address: WrittenMessage | None = None
) -> ApiAnswer:
    message = signaling.status_message(flow.id, flow_report(flow), message_id=str(uuid.uuid4()))
    return ApiAnswer(status, message if address is None else {**message, "dataAddress": address}, looks=looks)
