"""A data plane for HttpData-PULL, as far as the kit can see one: it says where the data is, and that all is read.

It speaks Data Plane Signaling and answers a start with STARTING; what a test's plan has it say, it says afterwards to
the control plane's callback address. No data moves: the kit reads none.
"""

import threading
import uuid
from dataclasses import dataclass, field
from typing import Any

import httpx2

from ferry.cli.management import JsonObject, ManagementError
from ferry.emulators.loopback_server import Request, Response
from tests.tck.pilot import later
from tests.tck.plans import PLANS, Order

_TIMEOUT_SECONDS = 10.0
_ENDS = {"suspend": "SUSPENDED", "terminate": "TERMINATED", "completed": "COMPLETED"}


@dataclass(slots=True)
class _Flow:
    """A data flow; its id is that of the transfer."""

    id: str
    agreement_id: str
    callback_url: str
    state: str = "STARTING"


@dataclass(slots=True)
class PullPlane:
    """The data plane of one participant. `authorization`: how it shows that it is this participant's."""

    authorization: str
    _flows: dict[str, _Flow] = field(default_factory=dict[str, _Flow], init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def answer(self, request: Request, path: str) -> Response:
        """Answer the control plane; `path` is what is below /dataflows/."""
        if path == "start":
            return self._start(request.json())
        flow_id, _, verb = path.partition("/")
        with self._lock:
            flow = self._flows.get(flow_id)
            if flow is None:
                return Response(404)
            if verb == "resume":
                flow.state = "STARTED"
                return Response(200, _status(flow))
            flow.state = _ENDS.get(verb, flow.state)
            return Response(200, _status(flow))

    def finish(self, flow_id: str) -> None:
        """All is read. Raises ManagementError where the control plane does not take it."""
        with self._lock:
            flow = self._flows[flow_id]
        self._tell(flow, "COMPLETED")

    def _start(self, message: JsonObject) -> Response:
        flow = _Flow(str(message["processId"]), str(message["agreementId"]), str(message["callbackAddress"]))
        with self._lock:
            known = self._flows.setdefault(flow.id, flow)
        orders = {step.order for step in PLANS.get(flow.agreement_id, ())}
        if known is flow and Order.START in orders:
            later(lambda: self._tell(flow, "STARTED"), f"start of {flow.agreement_id}")
        is_running = known.state == "STARTED"
        return Response(200 if is_running else 202, _status(known))

    def _tell(self, flow: _Flow, state: str) -> None:
        with self._lock:
            if flow.state in _ENDS.values():
                return
            flow.state = state
        url = f"{flow.callback_url.rstrip('/')}/transfers/{flow.id}/dataflow/{state.lower()}"
        headers = {"Authorization": self.authorization}
        try:
            answer = httpx2.post(url, json=_status(flow), headers=headers, timeout=_TIMEOUT_SECONDS, trust_env=False)
        except httpx2.HTTPError as error:
            raise ManagementError(f"POST {url} was not answered: {error or type(error).__name__}") from error
        if not answer.is_success:
            raise ManagementError(f"POST {url} was answered {answer.status_code}", answer.status_code, [answer.text])


def _status(flow: _Flow) -> dict[str, Any]:
    """A DataFlowStatusMessage; once it runs, it says where the data is."""
    message: dict[str, Any] = {"messageId": str(uuid.uuid4()), "dataFlowId": flow.id, "state": flow.state}
    if flow.state == "STARTED":
        token = {"@type": "EndpointProperty", "name": "authorization", "value": f"reader-of-{flow.id}"}
        message["dataAddress"] = {
            "@type": "DataAddress",
            "endpointType": "https://w3id.org/idsa/v4.1/HTTP",
            "endpoint": "http://127.0.0.1/data",
            "endpointProperties": [token],
        }
    return message
