"""The 10 demands on a control plane, each under its id: what it has its data plane do, and what it shows meanwhile.

The counterpart is the data plane and the other participant at once. What the control plane sends to either is checked
against what the specification wants of every message.
"""

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.signaling.counterpart import PEER, PLANE, Counterpart, Heard, Json, Said
from tests.signaling.plane_demands import OTHER, PARTICIPANT, Answer, Broken

PULL_TYPE, PUSH_TYPE = "HttpData-PULL", "Custom-PUSH"
CONSUMED, PROVIDED = "agreement-consumed", "agreement-provided"
ASSET = "dataset"
SECRET = "reader-of-it"
API_KEY = "signaling"
DSP, CONSUMER_DSP, CONTROL = "/dsp/2025-1", "/dsp/2025-1/consumer", "/control"
_CONTEXT = ["https://w3id.org/dspace/2025/1/context.jsonld"]
_V4 = ["https://w3id.org/edc/connector/management/v2"]
_BASE = (
    "messageId",
    "participantId",
    "counterPartyId",
    "dataspaceContext",
    "processId",
    "agreementId",
    "datasetId",
    "profile",
    "claims",
)


class ControlStage(Protocol):
    """A participant of Ferry's with a data plane of somebody else's, wherever it runs; `url` is its base."""

    counterpart: Counterpart

    def call(self, method: str, path: str, body: Json | None, headers: Mapping[str, str]) -> Answer:
        """A request below its API."""
        ...

    def until(self, look: Callable[[], bool]) -> bool:
        """Whether that comes true in time."""
        ...


@dataclass(slots=True)
class Others:
    """The data plane and the other participant, for one demand. `holds`: the plane is not ready when it answers."""

    counterpart: Counterpart
    holds: bool = False
    requests: list[Json] = field(default_factory=list[Json])
    provider_pid: str = field(default_factory=lambda: str(uuid.uuid4()))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.counterpart.plays = {PLANE: self.plane, PEER: self.peer}

    def plane(self, method: str, path: str, body: Json) -> Said | None:
        """The data plane's answers; it calls every flow like the process that it is for."""
        verb = path.rpartition("/")[2]
        flow_id = str(body.get("processId")) if verb in ("prepare", "start") else path.split("/")[1]
        if method == "GET":
            return Said(body=self._status(flow_id, "PREPARING" if self.holds else "STARTED"))
        if verb in ("prepare", "start") and self.holds:
            state = "PREPARING" if verb == "prepare" else "STARTING"
            return Said(202, self._status(flow_id, state), {"Location": f"/dataflows/{flow_id}"})
        states = {"prepare": "PREPARED", "start": "STARTED", "started": "STARTED", "suspend": "SUSPENDED"}
        states |= {"resume": "STARTED", "terminate": "TERMINATED", "completed": "COMPLETED"}
        said = self._status(flow_id, states[verb])
        if verb in ("start", "resume") and not body.get("reason"):
            said["dataAddress"] = pull_address()
        return Said(body=said)

    def peer(self, method: str, path: str, body: Json) -> Said | None:
        """The other participant's answers."""
        if path == "/transfers/request" and method == "POST":
            with self._lock:
                self.requests.append(body)
            return Said(
                201,
                {
                    "@context": _CONTEXT,
                    "@type": "TransferProcess",
                    "providerPid": self.provider_pid,
                    "consumerPid": body["consumerPid"],
                    "state": "REQUESTED",
                },
            )
        return Said(200) if method == "POST" else None

    def _status(self, flow_id: str, state: str) -> Json:
        return {"messageId": str(uuid.uuid4()), "dataFlowId": flow_id, "state": state}


def pull_address() -> Json:
    """Where a pull is read."""
    token = {"@type": "EndpointProperty", "name": "authorization", "value": SECRET}
    return {
        "@type": "DataAddress",
        "endpointType": "https://w3id.org/idsa/v4.1/HTTP",
        "endpoint": "http://127.0.0.1/data",
        "endpointProperties": [token],
    }


@dataclass(slots=True)
class Transfer:
    """One transfer of the participant; `id` is its own pid, `side` where it is spoken to."""

    stage: ControlStage
    others: Others
    id: str
    side: str
    correlation: str

    def shows(self, state: str) -> None:
        """It shows that state in time, as the protocol has it."""
        _need(self.stage.until(lambda: self.state() == state), f"it shows {self.state()}, not {state}")

    def state(self) -> str:
        """What it shows now."""
        answer = self.stage.call("GET", f"{self.side}/transfers/{self.id}", None, _headers())
        _need(answer.status == 200, f"its state is answered {answer.status}")
        return str(answer.body.get("state"))

    def told(self, what: str, type_of: str, **members: Any) -> None:
        """The other participant tells it something; it has to be taken."""
        consumes = self.side == CONSUMER_DSP
        pids = (self.correlation, self.id) if consumes else (self.id, self.correlation)
        body = {"@context": _CONTEXT, "@type": type_of, "providerPid": pids[0], "consumerPid": pids[1], **members}

        def is_taken() -> bool:
            return self.stage.call("POST", f"{self.side}/transfers/{self.id}/{what}", body, _headers()).status < 300

        _need(self.stage.until(is_taken), f"{type_of} is not taken")

    def ordered(self, verb: str, count: int = 1) -> Json:
        """The data plane is given that order, so often; the body of the last."""
        path = f"{PLANE}/{verb}" if verb in ("prepare", "start") else f"{PLANE}/{self.id}/{verb}"

        def orders() -> list[Heard]:
            heard = self.stage.counterpart.sent(path)
            return [it for it in heard if verb not in ("prepare", "start") or it.body.get("processId") == self.id]

        _need(self.stage.until(lambda: len(orders()) == count), f"{verb} is ordered {len(orders())} times, not {count}")
        body = orders()[-1].body
        if verb in ("prepare", "start"):
            missing = [it for it in _BASE if body.get(it) is None]
            _need(not missing, f"{verb} does not tell {missing}")
            _need(body["participantId"] == PARTICIPANT, "participantId is the participant's own")
        if verb != "completed":
            _need(isinstance(body.get("messageId"), str), f"{verb} has no messageId")
        return body

    def plane_tells(self, news: str, state: str, **members: Any) -> None:
        """The data plane tells news of the flow, as the kit does: without showing who it is."""
        body = {"dataFlowId": self.id, "state": state, **members}
        answer = self.stage.call("POST", f"{CONTROL}/transfers/{self.id}/dataflow/{news}", body, {})
        _need(answer.status < 300, f"{news} is answered {answer.status}: {answer.body}")

    def suspended(self) -> None:
        """The other participant suspends it; the plane is told."""
        self.told("suspension", "TransferSuspensionMessage", code="1", reason=["a pause"])
        self.shows("SUSPENDED")
        self.ordered("suspend")

    def completed(self) -> None:
        """The other participant completes it; the plane is told."""
        self.told("completion", "TransferCompletionMessage")
        self.shows("COMPLETED")
        self.ordered("completed")

    def terminated(self) -> None:
        """The other participant ends it; the plane is told."""
        self.told("termination", "TransferTerminationMessage", code="1", reason=["enough"])
        self.shows("TERMINATED")
        self.ordered("terminate")


def _need(fact: object, what: str) -> None:
    if not fact:
        raise Broken(what)


def _headers() -> dict[str, str]:
    return {"Authorization": '{"region": "any", "audience": "any", "clientId": "' + OTHER + '"}'}


# --- as a consumer --------------------------------------------------------------------------------------------------


def triggered(stage: ControlStage, *, holds: bool = False, kind: str = PULL_TYPE) -> Transfer:
    """A transfer that a client asks for; its data plane has been asked to prepare it."""
    others = Others(stage.counterpart, holds=holds)
    body = {
        "@context": _V4,
        "@type": "TransferRequest",
        "counterPartyAddress": stage.counterpart.url + PEER,
        "protocol": "dataspace-protocol-http:2025-1",
        "contractId": CONSUMED,
        "transferType": kind,
        "dataplaneMetadata": {"@type": "DataplaneMetadata", "labels": ["kit"], "properties": {"container": "wanted"}},
    }
    answer = stage.call("POST", "/management/v4/transferprocesses", body, {"x-api-key": API_KEY})
    _need(answer.status == 200, f"the transfer request is answered {answer.status}: {answer.body}")
    transfer = Transfer(stage, others, str(answer.body["@id"]), CONSUMER_DSP, others.provider_pid)
    prepare = transfer.ordered("prepare")
    _need(prepare["metadata"] == {"container": "wanted"}, "the plane is told the metadata of the request")
    return transfer


def _requested(transfer: Transfer) -> Json:
    found = transfer.others.requests
    _need(transfer.stage.until(lambda: len(found) == 1), "the transfer is not asked for")
    transfer.shows("REQUESTED")
    return found[0]


def _consumer_started(stage: ControlStage) -> Transfer:
    transfer = triggered(stage)
    _requested(transfer)
    transfer.told("start", "TransferStartMessage", dataAddress=pull_address())
    started = transfer.ordered("started")
    _need(SECRET in str(started.get("dataAddress")), "the plane is not told the provider's address")
    transfer.shows("STARTED")
    return transfer


def consumer_completes(stage: ControlStage) -> None:
    """prepare, request, started, completed."""
    _consumer_started(stage).completed()


def consumer_is_terminated(stage: ControlStage) -> None:
    """The same, ended by the provider."""
    _consumer_started(stage).terminated()


def consumer_is_resumed(stage: ControlStage) -> None:
    """Suspended and started again by the provider."""
    transfer = _consumer_started(stage)
    transfer.suspended()
    transfer.told("start", "TransferStartMessage", dataAddress=pull_address())
    transfer.ordered("resume")
    transfer.shows("STARTED")
    transfer.completed()


def consumer_is_suspended_and_ended(stage: ControlStage) -> None:
    """Suspended and ended by the provider."""
    transfer = _consumer_started(stage)
    transfer.suspended()
    transfer.terminated()


def consumer_waits_for_its_plane(stage: ControlStage) -> None:
    """The request leaves when the plane says that it is prepared, and not before; of a push with its address."""
    transfer = triggered(stage, holds=True, kind=PUSH_TYPE)
    _need(transfer.state() == "REQUESTED", f"it shows {transfer.state()} before it is prepared")
    _need(not transfer.others.requests, "the request leaves before the plane is ready")
    transfer.plane_tells("prepared", "PREPARED", dataAddress=pull_address())
    request = _requested(transfer)
    _need(SECRET in str(request.get("dataAddress")), "the provider is not told the plane's address")
    transfer.told("start", "TransferStartMessage")
    transfer.ordered("started")
    transfer.shows("STARTED")
    transfer.completed()


# --- as a provider --------------------------------------------------------------------------------------------------


def requested(stage: ControlStage, *, holds: bool = False) -> Transfer:
    """A transfer that the other participant asks for; the data plane is started."""
    others = Others(stage.counterpart, holds=holds)
    consumer_pid = str(uuid.uuid4())
    body = {
        "@context": _CONTEXT,
        "@type": "TransferRequestMessage",
        "consumerPid": consumer_pid,
        "agreementId": PROVIDED,
        "format": PULL_TYPE,
        "callbackAddress": stage.counterpart.url + PEER,
    }
    answer = stage.call("POST", f"{DSP}/transfers/request", body, _headers())
    _need(answer.status == 201, f"the request is answered {answer.status}: {answer.body}")
    transfer = Transfer(stage, others, str(answer.body["providerPid"]), DSP, consumer_pid)
    transfer.ordered("start")
    if holds:
        _need(not _starts(transfer), "the start is told before the plane has started")
        transfer.plane_tells("started", "STARTED", dataAddress=pull_address())
    _need(stage.until(lambda: len(_starts(transfer)) == 1), "the start is not told")
    _need(SECRET in str(_starts(transfer)[0].body.get("dataAddress")), "the consumer is not told the address")
    transfer.shows("STARTED")
    return transfer


def _starts(transfer: Transfer) -> list[Heard]:
    return transfer.stage.counterpart.sent(f"{PEER}/transfers/{transfer.correlation}/start")


def provider_completes(stage: ControlStage) -> None:
    """start, completed."""
    requested(stage).completed()


def provider_is_terminated(stage: ControlStage) -> None:
    """start, terminate."""
    requested(stage).terminated()


def provider_is_resumed(stage: ControlStage) -> None:
    """The consumer suspends and starts it again."""
    transfer = requested(stage)
    transfer.suspended()
    transfer.told("start", "TransferStartMessage")
    transfer.ordered("resume")
    transfer.shows("STARTED")
    transfer.completed()


def provider_is_suspended_and_ended(stage: ControlStage) -> None:
    """The consumer suspends it and ends it."""
    transfer = requested(stage)
    transfer.suspended()
    transfer.terminated()


def provider_waits_for_its_plane(stage: ControlStage) -> None:
    """The plane says later that it has started."""
    requested(stage, holds=True).completed()


type ControlDemand = Callable[[ControlStage], None]

CONTROL_DEMANDS: Mapping[str, ControlDemand] = {
    "CP_C:01-01": consumer_completes,
    "CP_C:01-02": consumer_is_terminated,
    "CP_C:02-01": consumer_is_resumed,
    "CP_C:02-02": consumer_is_suspended_and_ended,
    "CP_C:03-01": consumer_waits_for_its_plane,
    "CP_P:01-01": provider_completes,
    "CP_P:01-02": provider_is_terminated,
    "CP_P:02-01": provider_is_resumed,
    "CP_P:02-02": provider_is_suspended_and_ended,
    "CP_P:03-01": provider_waits_for_its_plane,
}
