"""The entries of what peers, data planes and probes call: Dataspace Protocol, signaling, health, and this description.

Messages are described by the schemas that the reader itself checks with. (Design: one set of JSON Schemas.)
"""

from ferry.api.openapi.entry import Entry, Shape
from ferry.protocol.paths import ENDPOINTS, EXTENSION_PATH, Endpoint

# How the schemas of the protocol are called among the components.
DSP = "dsp."

_SUMMARIES: dict[str, str] = {
    "POST /catalog/request": "What this participant offers to whoever asks",
    "GET /catalog/request": "The next page of such a catalog",
    "GET /catalog/datasets/{pid}": "One asset with its offers",
    "GET /negotiations/{pid}": "How a negotiation stands",
    "POST /negotiations/request": "A consumer asks for a contract",
    "POST /negotiations/offers": "A provider offers a contract",
    "POST /negotiations/{pid}/request": "A consumer asks for other rules",
    "POST /negotiations/{pid}/offers": "A provider offers other rules",
    "POST /negotiations/{pid}/events": "An offer is accepted, or an agreement finalized",
    "POST /negotiations/{pid}/agreement": "A provider agrees",
    "POST /negotiations/{pid}/agreement/verification": "A consumer has verified the agreement",
    "POST /negotiations/{pid}/termination": "The other side ends a negotiation",
    "GET /transfers/{pid}": "How a transfer stands",
    "POST /transfers/request": "A consumer asks for the data of an agreement",
    "POST /transfers/{pid}/start": "The other side starts or resumes a transfer",
    "POST /transfers/{pid}/completion": "The other side has completed a transfer",
    "POST /transfers/{pid}/suspension": "The other side suspends a transfer",
    "POST /transfers/{pid}/termination": "The other side ends a transfer",
    "POST /ferry/transfers/{pid}/address": "A provider asks for a data address whose SAS lasts longer",
    "GET /ferry/transfers/{pid}/progress": "A consumer asks how far the copy has come",
}
_REFUSALS = (400, 401, 404, 413, 503)


def _dsp(endpoint: Endpoint) -> Entry:
    """The entry of an endpoint of the protocol."""
    path = endpoint.path
    good, error = _good(endpoint)
    answers: dict[int, Shape] = {**good, **dict.fromkeys(_REFUSALS, DSP + error)}
    if not path.startswith("/catalog"):
        answers[409] = DSP + error
    return Entry(_SUMMARIES[f"{endpoint.method} {path}"], answers, _request(endpoint))


def _good(endpoint: Endpoint) -> tuple[dict[int, Shape], str]:
    status = 201 if endpoint.method == "POST" and not endpoint.has_pid else 200
    if endpoint.path.startswith("/catalog"):
        return {200: DSP + ("Dataset" if endpoint.has_pid else "Catalog")}, "CatalogError"
    if endpoint.path.startswith(EXTENSION_PATH):
        return {200: DSP + ("TransferAddress" if endpoint.method == "POST" else "TransferProgress")}, "TransferError"
    if endpoint.path.startswith("/negotiations"):
        return {status: DSP + "ContractNegotiation"}, "ContractNegotiationError"
    return {status: DSP + "TransferProcess"}, "TransferError"


def _request(endpoint: Endpoint) -> Shape:
    if endpoint.method == "GET":
        return None
    if endpoint.path.startswith(EXTENSION_PATH):
        return DSP + "TransferAddressRequest"
    kind = next(iter(endpoint.kinds), None)
    return DSP + (kind.value.partition(":")[0] if kind else "CatalogRequestMessage")


def _signaling(summary: str, request: Shape = None, answer: Shape = None, *, unready: bool = False) -> Entry:
    refusals: dict[int, Shape] = dict.fromkeys((400, 401, 404, 409, 413, 503), "SignalingError")
    good: dict[int, Shape] = {200: answer, 202: answer} if unready else {200: answer}
    return Entry(summary, {**good, **refusals}, request)


def _open(summary: str, answer: Shape, *unready: int, otherwise: Shape = None) -> Entry:
    return Entry(summary, {200: answer, **dict.fromkeys(unready, otherwise or answer)})


_STATUS = DSP + "DataFlowStatusMessage"

PEERS: dict[str, Entry] = {
    **{f"{it.method} dsp{it.path}": _dsp(it) for it in ENDPOINTS if f"{it.method} {it.path}" in _SUMMARIES},
    "GET dsp/.well-known/dspace-version": _open("Which versions of the protocol are spoken", DSP + "VersionResponse"),
    "POST dataflows/start": _signaling("Start a data flow", DSP + "DataFlowStartMessage", _STATUS, unready=True),
    "GET dataflows/{id}/status": _signaling("How a data flow stands", None, _STATUS),
    "POST dataflows/{id}/suspend": _signaling("Suspend a data flow", "Reason", _STATUS),
    "POST dataflows/{id}/resume": _signaling("Resume a data flow", DSP + "DataFlowStartMessage", _STATUS),
    "POST dataflows/{id}/completed": _signaling("The data of a flow have been read", "Reason", _STATUS),
    "POST dataflows/{id}/terminate": _signaling("End a data flow", "Reason", _STATUS),
    "POST control/transfers/{id}/dataflow/prepared": _signaling("A data flow is prepared", _STATUS),
    "POST control/transfers/{id}/dataflow/started": _signaling("A data flow has started", _STATUS),
    "POST control/transfers/{id}/dataflow/completed": _signaling("A data flow is complete", _STATUS),
    "POST control/transfers/{id}/dataflow/errored": _signaling("A data flow has failed", _STATUS),
    "GET did.json": Entry("The keys of this participant", {200: "DidDocument", 404: None, 503: None}),
    "GET health/live": _open("Whether the app runs", "Live"),
    "GET health/ready": _open("Whether storage and vault answer", "Ready", 503),
    "GET check/health": _open("EDC's health", "HealthStatus", 503),
    "GET check/readiness": _open("EDC's readiness", "HealthStatus", 503),
    "GET check/startup": _open("EDC's startup probe", "HealthStatus", 503),
    "GET check/liveness": _open("EDC's liveness", "HealthStatus"),
    "GET v1/version": _open("Which versions of the APIs there are", "ApiVersions"),
    "GET openapi.json": _open("This description", "OpenApi"),
}
