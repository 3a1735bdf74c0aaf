"""The 28 demands on a data plane, each under its id: what a control plane asks for, and what has to come of it.

Every demand plays its whole course against a real plane with real storage behind it: what the plane says must be so.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from ferry.protocol.pull_tokens import HTTP_PULL
from tests.signaling.counterpart import NEWS, Counterpart, Json

PUSH, PULL = "AzureStorage-PUSH", "AzureStorage-PULL"
CONTENT = b"what is moved"
ASYNC = {"Prefer": "respond-async"}
PARTICIPANT, OTHER = "ferry", "counterparty"


class Broken(AssertionError):
    """A demand that is not met; the message says what came instead."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the plane answered; `body` is empty where it was no JSON object."""

    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content: bytes = b""


class PlaneStage(Protocol):
    """A data plane of Ferry's with an account of its own, wherever it runs."""

    counterpart: Counterpart
    account: str

    def call(self, method: str, path: str, body: Json | None, headers: Mapping[str, str]) -> Answer:
        """A request below the plane's base."""
        ...

    def ask(self, method: str, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        """A request to an address that the plane has told."""
        ...

    def until(self, look: Callable[[], bool]) -> bool:
        """Whether that comes true in time."""
        ...

    def put(self, container: str, name: str, content: bytes) -> None:
        """A blob in the plane's account; the container is made."""
        ...

    def blobs(self, container: str) -> dict[str, bytes]:
        """What lies in a container of the plane's account."""
        ...

    def hold_writes(self, container: str) -> None:
        """Let nothing be written there before `release`."""
        ...

    def release(self) -> None:
        """Let everything be written."""
        ...


@dataclass(slots=True)
class Flow:
    """One flow as its control plane sees it."""

    stage: PlaneStage
    transfer_type: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def message(self, metadata: Mapping[str, Any], **more: Any) -> Json:
        """The base of a prepare and of a start."""
        return {
            "messageId": str(uuid.uuid4()),
            "participantId": PARTICIPANT,
            "counterPartyId": OTHER,
            "dataspaceContext": "dataspace",
            "processId": self.id,
            "agreementId": "agreement",
            "datasetId": "dataset",
            "profile": self.transfer_type,
            "claims": {},
            "metadata": dict(metadata),
            "callbackAddress": self.stage.counterpart.url + NEWS,
            **more,
        }

    def begin(self, verb: str, metadata: Mapping[str, Any], *, wait: bool = True, **more: Any) -> Json:
        """Prepare or start it; what the plane says."""
        headers = {} if wait else ASYNC
        answer = self.stage.call("POST", f"/dataflows/{verb}", self.message(metadata, **more), headers)
        _is(answer.status, 200 if wait else 202, f"{verb}: {answer.body}")
        _is(answer.body.get("dataFlowId"), self.id, "dataFlowId")
        if not wait:
            place = {name.lower(): value for name, value in answer.headers.items()}.get("location", "")
            _need(self.id in place, f"202 comes with the place of the flow, not {place!r}")
        return answer.body

    def order(self, verb: str, state: str | None = None, **body: Any) -> Json:
        """Give it an order; it has to be followed."""
        answer = self.attempt(verb, **body)
        _need(200 <= answer.status < 300, f"{verb} is answered {answer.status}: {answer.body}")
        if state is not None:
            self.stands(state)
        return answer.body

    def attempt(self, verb: str, **body: Any) -> Answer:
        """Give it an order, whatever comes of it."""
        message = {"messageId": str(uuid.uuid4()), **body} if verb != "completed" else body
        return self.stage.call("POST", f"/dataflows/{self.id}/{verb}", message, {})

    def state(self) -> str:
        """How it stands, as it says itself."""
        answer = self.stage.call("GET", f"/dataflows/{self.id}/status", None, {})
        _is(answer.status, 200, "status")
        return str(answer.body.get("state"))

    def stands(self, state: str) -> None:
        """It gets there in time."""
        _need(self.stage.until(lambda: self.state() == state), f"it is {self.state()}, not {state}")

    def tells(self, news: str, state: str) -> Json:
        """It tells these news by itself, again where they were refused; the body that was taken."""
        found = self.stage.counterpart.news
        _need(self.stage.until(lambda: any(it.status == 200 for it in found(self.id, news))), f"{news} is never told")
        taken = next(it for it in found(self.id, news) if it.status == 200)
        _is(found(self.id, news)[0].status, 409, "news are refused once")
        _is(taken.body["state"], state, f"the state that {news} tells")
        return taken.body


# --- what the demands are made of -----------------------------------------------------------------------------------


def _need(fact: object, what: str) -> None:
    if not fact:
        raise Broken(what)


def _is(found: object, wanted: object, what: str) -> None:
    _need(found == wanted, f"{what}: {found!r}, not {wanted!r}")


def properties(address: Json) -> dict[str, str]:
    """The properties of a data address by the last part of their names."""
    return {str(it["name"]).rpartition("/")[2]: it["value"] for it in address["endpointProperties"]}


def offered(stage: PlaneStage) -> dict[str, Any]:
    """A blob to be moved, as an asset's metadata tell it."""
    container = f"src-{uuid.uuid4().hex[:12]}"
    stage.put(container, "a/one.bin", CONTENT)
    return {"account": stage.account, "container": container, "blobName": "a/one.bin"}


def wanted(stage: PlaneStage) -> dict[str, Any]:
    """A place for what is moved, as a transfer request's metadata tell it."""
    return {"account": stage.account, "container": f"dst-{uuid.uuid4().hex[:12]}"}


def reads(stage: PlaneStage, address: Json) -> Answer:
    """The blob behind a provider's address, read as a consumer reads it."""
    told = properties(address)
    if address["endpointType"] == HTTP_PULL:
        return stage.ask("GET", address["endpoint"], b"", {"Authorization": f"Bearer {told['authorization']}"})
    sas = told["secret"].split('"?')[1].split('"')[0]
    url = f"{address['endpoint']}/{told['container']}/{quote(told['blobName'])}?{sas}"
    return stage.ask("GET", url, b"", {})


def served(stage: PlaneStage, kind: str = PULL, *, wait: bool = True) -> tuple[Flow, Json]:
    """A pull that a provider's plane has begun, and what it said."""
    flow = Flow(stage, kind)
    said = flow.begin("start", offered(stage), wait=wait)
    _is("dataAddress" in said, wait, "the address comes with the answer that it has started")
    return flow, said


def prepared(stage: PlaneStage, kind: str, metadata: Mapping[str, Any] | None = None) -> tuple[Flow, Json]:
    """A flow that a consumer's plane has prepared; of a push it comes with an address, of a pull without one."""
    flow = Flow(stage, kind)
    told = (wanted(stage) if kind == PUSH else {}) if metadata is None else metadata
    said = flow.begin("prepare", told)
    _is(said["state"], "PREPARED", "prepare")
    _is("dataAddress" in said, kind == PUSH, "an address comes of a push alone")
    if kind == PUSH:
        _need(said["dataAddress"].get("endpoint"), "the address has an endpoint")
        _need("sig=" in properties(said["dataAddress"])["secret"], "the address holds a SAS")
    return flow, said


def consumer_started(stage: PlaneStage, kind: str) -> Flow:
    """A consumer's flow that the provider has started."""
    flow, _ = prepared(stage, kind)
    address = served(stage)[1]["dataAddress"] if kind == PULL else None
    flow.order("started", "STARTED", **({"dataAddress": address} if address else {}))
    return flow


def pushing(stage: PlaneStage, *, wait: bool = True) -> tuple[Flow, str]:
    """A push that a provider's plane has begun, whose blobs are not written yet; and where they go."""
    address = prepared(stage, PUSH)[1]["dataAddress"]
    container = properties(address)["container"]
    stage.hold_writes(container)
    flow = Flow(stage, PUSH)
    said = flow.begin("start", offered(stage), wait=wait, dataAddress=address)
    _is(said["state"], "STARTED" if wait else "STARTING", "start")
    _need("dataAddress" not in said, "a push has no address of the provider's")
    return flow, container


def delivered(stage: PlaneStage, container: str) -> None:
    """The blob has arrived, and its marker."""
    names = stage.blobs(container)
    _is(names.get("a/one.bin"), CONTENT, f"what lies in {container}")
    _need(".complete" in names, "the marker is there")


# --- a consumer's plane ---------------------------------------------------------------------------------------------


def _consumer_terminated(kind: str) -> Callable[[PlaneStage], None]:
    def demand(stage: PlaneStage) -> None:
        flow = consumer_started(stage, kind)
        flow.order("terminate", "TERMINATED", reason="enough")

    return demand


def _consumer_started(kind: str) -> Callable[[PlaneStage], None]:
    def demand(stage: PlaneStage) -> None:
        consumer_started(stage, kind)

    return demand


def _consumer_suspended(kind: str, then: str) -> Callable[[PlaneStage], None]:
    def demand(stage: PlaneStage) -> None:
        flow = consumer_started(stage, kind)
        flow.order("suspend", "SUSPENDED", reason="a pause")
        _then(flow, then)

    return demand


def _then(flow: Flow, then: str) -> None:
    said = flow.order(then, reason="and on")
    if then == "resume":
        _is(said.get("state"), "STARTED", "the answer to resume")
    flow.stands("STARTED" if then == "resume" else "TERMINATED")


def _consumer_async(kind: str) -> Callable[[PlaneStage], None]:
    def demand(stage: PlaneStage) -> None:
        flow = Flow(stage, kind)
        said = flow.begin("prepare", wanted(stage), wait=False)
        _is((said["state"], "dataAddress" in said), ("PREPARING", False), "a prepare that is not waited for")
        told = flow.tells("prepared", "PREPARED")
        _is("dataAddress" in told, kind == PUSH, "an address comes of a push alone")
        flow.stands("PREPARED")

    return demand


def consumer_pull_completes(stage: PlaneStage) -> None:
    """It fetches what it was told of, and says by itself that it has all."""
    place = wanted(stage)
    flow, _ = prepared(stage, PULL, place)
    address = served(stage)[1]["dataAddress"]
    flow.order("started", dataAddress=address)
    flow.tells("completed", "COMPLETED")
    flow.stands("COMPLETED")
    delivered(stage, place["container"])


def consumer_push_completes(stage: PlaneStage) -> None:
    """The control plane says that all has arrived; nobody can write there any more."""
    flow, said = prepared(stage, PUSH)
    flow.order("started", "STARTED")
    flow.order("completed", "COMPLETED")
    told = properties(said["dataAddress"])
    sas = told["secret"].split('"?')[1].split('"')[0]
    url = f"{said['dataAddress']['endpoint']}/{told['container']}/late.bin?{sas}"

    def is_closed() -> bool:
        headers = {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2024-11-04"}
        return stage.ask("PUT", url, b"late", headers).status == 403

    _need(stage.until(is_closed), "the SAS still writes")


def http_pull_is_taken(stage: PlaneStage) -> None:
    """An address that can be renewed is taken."""
    flow, _ = prepared(stage, HTTP_PULL)
    flow.order("started", "STARTED", dataAddress=served(stage, HTTP_PULL)[1]["dataAddress"])


def http_pull_that_ends_is_refused(stage: PlaneStage) -> None:
    """An address that cannot be renewed is refused, and the flow stays where it was."""
    flow, _ = prepared(stage, HTTP_PULL)
    address = served(stage, HTTP_PULL)[1]["dataAddress"]
    kept = [it for it in address["endpointProperties"] if it["name"] in ("authorization", "authType")]
    answer = flow.attempt("started", dataAddress={**address, "endpointProperties": kept})
    _need(answer.status >= 400, f"it is answered {answer.status}")
    _is(flow.state(), "PREPARED", "the state then")


# --- a provider's plane ---------------------------------------------------------------------------------------------


def _provider_pull_ended(verb: str, state: str) -> Callable[[PlaneStage], None]:
    def demand(stage: PlaneStage) -> None:
        flow, said = served(stage)
        _is(said["state"], "STARTED", "start")
        _is(reads(stage, said["dataAddress"]).content, CONTENT, "what is read")
        flow.order(verb, state)
        _need(stage.until(lambda: reads(stage, said["dataAddress"]).status == 403), "it can still be read")

    return demand


def _provider_pull_suspended(then: str) -> Callable[[PlaneStage], None]:
    def demand(stage: PlaneStage) -> None:
        flow, said = served(stage)
        address = said["dataAddress"]
        flow.order("suspend", "SUSPENDED", reason="a pause")
        _need(stage.until(lambda: reads(stage, address).status == 403), "it can be read while suspended")
        _then(flow, then)
        if then == "resume":
            _need(stage.until(lambda: reads(stage, address).content == CONTENT), "it cannot be read again")

    return demand


def provider_pull_async(stage: PlaneStage) -> None:
    """The address comes with the news that it has started."""
    flow, said = served(stage, wait=False)
    _is((said["state"], "dataAddress" in said), ("STARTING", False), "a start that is not waited for")
    told = flow.tells("started", "STARTED")
    _is(reads(stage, told["dataAddress"]).content, CONTENT, "what is read")
    flow.stands("STARTED")


def _provider_push_ended(verb: str, state: str) -> Callable[[PlaneStage], None]:
    def demand(stage: PlaneStage) -> None:
        flow, _ = pushing(stage)
        flow.order(verb, state)
        stage.release()
        _is(flow.state(), state, "it stays so")

    return demand


def _provider_push_suspended(then: str) -> Callable[[PlaneStage], None]:
    def demand(stage: PlaneStage) -> None:
        flow, container = pushing(stage)
        flow.order("suspend", "SUSPENDED", reason="a pause")
        stage.release()
        _then(flow, then) if then == "terminate" else _resumed(stage, flow, container)

    return demand


def _resumed(stage: PlaneStage, flow: Flow, container: str) -> None:
    said = flow.order("resume")
    _is(said.get("state"), "STARTED", "the answer to resume")
    _need(stage.until(lambda: flow.state() == "COMPLETED"), "it does not go on")
    delivered(stage, container)


def provider_push_completes(stage: PlaneStage) -> None:
    """It copies, and says by itself that all is there."""
    flow, container = pushing(stage)
    stage.release()
    flow.tells("completed", "COMPLETED")
    delivered(stage, container)


def provider_push_async(stage: PlaneStage) -> None:
    """It says that it has started before anything is written."""
    flow, container = pushing(stage, wait=False)
    flow.tells("started", "STARTED")
    flow.stands("STARTED")
    stage.release()
    _need(stage.until(lambda: flow.state() == "COMPLETED"), "it does not end")
    delivered(stage, container)


def _refreshed(stage: PlaneStage, address: Json, audience: str, refresh_token: str) -> Answer:
    told = properties(address)
    form = urlencode({"grant_type": "refresh_token", "refresh_token": refresh_token}).encode()
    headers = {
        "Authorization": stage.counterpart.proof(audience, told["authorization"]),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    return stage.ask("POST", told["refreshEndpoint"], form, headers)


def http_pull_serves_and_renews(stage: PlaneStage) -> None:
    """The address opens the blob, and its token brings a new one that does so, too."""
    _, said = served(stage, HTTP_PULL)
    address = said["dataAddress"]
    told = properties(address)
    _is(address["endpointType"], HTTP_PULL, "endpointType")
    _need(address["endpoint"].startswith(("http://", "https://")), "the endpoint is http(s)")
    _is(told["authType"], "bearer", "authType")
    _need(told["expiresIn"].isdigit(), "expiresIn")
    _is(reads(stage, address).content, CONTENT, "what is read")
    _is(stage.ask("GET", address["endpoint"], b"", {}).status, 401, "without a token")
    answer = _refreshed(stage, address, PARTICIPANT, told["refreshToken"])
    _is(answer.status, 200, f"refresh: {answer.body}")
    _need(answer.body.get("token_type"), "token_type")
    _need(answer.body["access_token"] != told["authorization"], "the token is new")
    bearer = {"Authorization": f"Bearer {answer.body['access_token']}", "Range": "bytes=5-6"}
    part = stage.ask("GET", address["endpoint"], b"", bearer)
    _is((part.status, part.content), (206, CONTENT[5:7]), "a range by the new token")


def http_pull_refuses_an_unknown_token(stage: PlaneStage) -> None:
    """Nobody gets an access token for a refresh token that was never given."""
    _, said = served(stage, HTTP_PULL)
    answer = _refreshed(stage, said["dataAddress"], PARTICIPANT, str(uuid.uuid4()))
    _need(answer.status >= 400 and "access_token" not in answer.body, f"it is answered {answer.status}")


def http_pull_refuses_a_foreign_audience(stage: PlaneStage) -> None:
    """A proof for somebody else is none here."""
    _, said = served(stage, HTTP_PULL)
    refresh = properties(said["dataAddress"])["refreshToken"]
    answer = _refreshed(stage, said["dataAddress"], "somebody-else", refresh)
    _need(answer.status >= 400 and "access_token" not in answer.body, f"it is answered {answer.status}")


type PlaneDemand = Callable[[PlaneStage], None]

PLANE_DEMANDS: Mapping[str, PlaneDemand] = {
    "DP_C_PULL:01-01": _consumer_started(PULL),
    "DP_C_PULL:01-02": _consumer_terminated(PULL),
    "DP_C_PULL:02-01": _consumer_suspended(PULL, "resume"),
    "DP_C_PULL:02-02": _consumer_suspended(PULL, "terminate"),
    "DP_C_PULL:03-01": consumer_pull_completes,
    "DP_C_PULL:04-01": _consumer_async(PULL),
    "DP_P_PULL:01-01": _provider_pull_ended("completed", "COMPLETED"),
    "DP_P_PULL:01-02": _provider_pull_ended("terminate", "TERMINATED"),
    "DP_P_PULL:02-01": _provider_pull_suspended("resume"),
    "DP_P_PULL:02-02": _provider_pull_suspended("terminate"),
    "DP_P_PULL:04-01": provider_pull_async,
    "DP_C_PUSH:01-01": _consumer_started(PUSH),
    "DP_C_PUSH:01-02": _consumer_terminated(PUSH),
    "DP_C_PUSH:02-01": _consumer_suspended(PUSH, "resume"),
    "DP_C_PUSH:02-02": _consumer_suspended(PUSH, "terminate"),
    "DP_C_PUSH:03-01": consumer_push_completes,
    "DP_C_PUSH:04-01": _consumer_async(PUSH),
    "DP_P_PUSH:01-01": _provider_push_ended("completed", "COMPLETED"),
    "DP_P_PUSH:01-02": _provider_push_ended("terminate", "TERMINATED"),
    "DP_P_PUSH:02-01": _provider_push_suspended("resume"),
    "DP_P_PUSH:02-02": _provider_push_suspended("terminate"),
    "DP_P_PUSH:03-01": provider_push_completes,
    "DP_P_PUSH:04-01": provider_push_async,
    "DP_C_HTTP_PULL:01-01": http_pull_is_taken,
    "DP_C_HTTP_PULL:02-01": http_pull_that_ends_is_refused,
    "DP_P_HTTP_PULL:01-01": http_pull_serves_and_renews,
    "DP_P_HTTP_PULL:02-01": http_pull_refuses_an_unknown_token,
    "DP_P_HTTP_PULL:02-02": http_pull_refuses_a_foreign_audience,
}
