"""The HTTP endpoints by surface: from the protocol's table of paths and the management API's of routes."""

from collections.abc import Iterable

from ferry.api.management.routes import MANAGEMENT_ROUTES, Route
from ferry.domain.message_kind import Role
from ferry.protocol.paths import VERSION_PATH, served_endpoints
from ferry.services import Endpoint, Surface

_DSP_BASE = "dsp/2025-1"
_DSP_SURFACE = {Surface.CONSUMER_DSP: Role.CONSUMER, Surface.PROVIDER_DSP: Role.PROVIDER, Surface.SHARED_DSP: None}
_MANAGEMENT = (Surface.CONSUMER_MANAGEMENT, Surface.PROVIDER_MANAGEMENT, Surface.SHARED_MANAGEMENT)
VERSION = Endpoint(Surface.PUBLIC, "dsp_versions", "GET", f"dsp{VERSION_PATH}", starts_work=False)
DID_DOCUMENT = Endpoint(Surface.PUBLIC, "did_document", "GET", "did.json", starts_work=False)
# What starts work in the management API: orders to processes. Deleting one that has ended is none.
_ORDERS = ("negotiations.", "transfers.", "edrs.delete")


def endpoints(surface: Surface) -> Iterable[Endpoint]:
    """The endpoints of one surface."""
    if surface in _DSP_SURFACE:
        return _dsp(surface, _DSP_SURFACE[surface])
    if surface in _MANAGEMENT:
        return [
            Endpoint(surface, route.name, route.method, route.path, _starts_work(route))
            for route in MANAGEMENT_ROUTES
            if route.group.value == surface.value
        ]
    return (VERSION, DID_DOCUMENT) if surface is Surface.PUBLIC else _SIGNALING[surface]


def _starts_work(route: Route) -> bool:
    is_order = route.method == "POST" or route.handler == "edrs.delete"
    return is_order and route.handler.startswith(_ORDERS) and not route.handler.endswith(".query")


def _dsp(surface: Surface, role: Role | None) -> list[Endpoint]:
    return [
        Endpoint(surface, served.name, method := served.endpoint.method, _DSP_BASE + served.path, method != "GET")
        for served in served_endpoints()
        if served.role is role
    ]


_SIGNALING: dict[Surface, tuple[Endpoint, ...]] = {
    Surface.DATA_PLANE: (
        Endpoint(Surface.DATA_PLANE, "dataflow_prepare", "POST", "dataflows/prepare"),
        Endpoint(Surface.DATA_PLANE, "dataflow_start", "POST", "dataflows/start"),
        Endpoint(Surface.DATA_PLANE, "dataflow_begun", "POST", "dataflows/{id}/started"),
        Endpoint(Surface.DATA_PLANE, "dataflow_status", "GET", "dataflows/{id}/status"),
        Endpoint(Surface.DATA_PLANE, "dataflow_suspend", "POST", "dataflows/{id}/suspend"),
        Endpoint(Surface.DATA_PLANE, "dataflow_resume", "POST", "dataflows/{id}/resume"),
        Endpoint(Surface.DATA_PLANE, "dataflow_complete", "POST", "dataflows/{id}/completed"),
        Endpoint(Surface.DATA_PLANE, "dataflow_terminate", "POST", "dataflows/{id}/terminate"),
        Endpoint(Surface.DATA_PLANE, "edc_flow_start", "POST", "v1/dataflows"),
        Endpoint(Surface.DATA_PLANE, "edc_flow_start_named", "POST", "v1/dataflows/start"),
        Endpoint(Surface.DATA_PLANE, "edc_flow_prepare", "POST", "v1/dataflows/prepare"),
        Endpoint(Surface.DATA_PLANE, "edc_flow_check", "GET", "v1/dataflows/check", starts_work=False),
        Endpoint(Surface.DATA_PLANE, "edc_flow_state", "GET", "v1/dataflows/{id}/state", starts_work=False),
        Endpoint(Surface.DATA_PLANE, "edc_flow_suspend", "POST", "v1/dataflows/{id}/suspend"),
        Endpoint(Surface.DATA_PLANE, "edc_flow_terminate", "POST", "v1/dataflows/{id}/terminate"),
        Endpoint(Surface.DATA_PLANE, "data_read", "GET", "data/{id}", starts_work=False),
        Endpoint(Surface.DATA_PLANE, "data_token", "POST", "data/{id}/token", starts_work=False),
    ),
    Surface.CONTROL: (
        Endpoint(Surface.CONTROL, "dataflow_prepared", "POST", "control/transfers/{id}/dataflow/prepared"),
        Endpoint(Surface.CONTROL, "dataflow_started", "POST", "control/transfers/{id}/dataflow/started"),
        Endpoint(Surface.CONTROL, "dataflow_completed", "POST", "control/transfers/{id}/dataflow/completed"),
        Endpoint(Surface.CONTROL, "dataflow_errored", "POST", "control/transfers/{id}/dataflow/errored"),
    ),
}
