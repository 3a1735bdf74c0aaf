"""The entries of what a data plane offers beyond starting pushes: preparing, serving, EDC's signaling before 1.0."""

from ferry.api.openapi.entry import Entry, Shape

_STATUS = "dsp.DataFlowStatusMessage"
_EDC_ORDER, _EDC_ANSWER = "dsp.EdcDataFlowMessage", "EdcDataFlowResponse"
_REFUSALS = (400, 401, 404, 409, 413, 503)


def _order(summary: str, request: Shape, answers: dict[int, Shape]) -> Entry:
    refusals: dict[int, Shape] = dict.fromkeys(_REFUSALS, "SignalingError")
    return Entry(summary, {**answers, **refusals}, request)


PLANES: dict[str, Entry] = {
    "POST dataflows/prepare": _order("Prepare a data flow", "dsp.DataFlowPrepareMessage", {200: _STATUS, 202: _STATUS}),
    "POST dataflows/{id}/started": _order("The other side has started", "dsp.DataFlowStartedMessage", {200: _STATUS}),
    "POST v1/dataflows": _order("Start a data flow, in EDC's words before 1.0", _EDC_ORDER, {200: _EDC_ANSWER}),
    "POST v1/dataflows/start": _order("The same under its other path", _EDC_ORDER, {200: _EDC_ANSWER}),
    "POST v1/dataflows/prepare": _order("Prepare a data flow, in those words", _EDC_ORDER, {200: _EDC_ANSWER}),
    "GET v1/dataflows/check": Entry("Whether the plane is there", {204: None, 401: "SignalingError"}),
    "GET v1/dataflows/{id}/state": _order("How a flow stands, in those words", None, {200: "EdcDataFlowState"}),
    "POST v1/dataflows/{id}/suspend": _order("Suspend a data flow, in those words", "Reason", {204: None}),
    "POST v1/dataflows/{id}/terminate": _order("End a data flow, in those words", "Reason", {204: None}),
    "GET data/{id}": Entry(
        "Read what a flow serves: a blob (with Range), the one that `blob` names, or the names below a prefix",
        {200: None, 206: None, **dict.fromkeys((400, 401, 403, 404, 413, 416, 502, 503), "SignalingError")},
    ),
    "POST data/{id}/token": Entry(
        "A new access token for a refresh token, for whoever proves who it is",
        {200: "AccessToken", **dict.fromkeys((400, 401, 404, 413, 502, 503), "SignalingError")},
    ),
}
