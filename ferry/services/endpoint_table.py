"""The HTTP endpoints by surface: from the protocol's table of paths and the management API's of routes."""

import re
from collections.abc import Iterable

from ferry.api.management.routes import MANAGEMENT_ROUTES
from ferry.domain.message_kind import Role
from ferry.protocol.paths import ENDPOINTS, VERSION_PATH
from ferry.services import Endpoint, Surface

_DSP_BASE = "dsp/2025-1"
_DSP_SURFACE = {Surface.CONSUMER_DSP: Role.CONSUMER, Surface.PROVIDER_DSP: Role.PROVIDER}
_MANAGEMENT = (Surface.CONSUMER_MANAGEMENT, Surface.PROVIDER_MANAGEMENT, Surface.SHARED_MANAGEMENT)
# A provider that begins a negotiation with us.
_NOT_SERVED = frozenset({"/negotiations/offers"})
VERSION = Endpoint(Surface.SHARED_MANAGEMENT, "dsp_versions", "GET", f"dsp{VERSION_PATH}")


def endpoints(surface: Surface) -> Iterable[Endpoint]:
    """The endpoints of one surface."""
    if surface in _DSP_SURFACE:
        return _dsp(surface, _DSP_SURFACE[surface])
    if surface in _MANAGEMENT:
        versions = [VERSION] if surface is Surface.SHARED_MANAGEMENT else []
        return versions + [
            Endpoint(surface, route.name, route.method, route.path)
            for route in MANAGEMENT_ROUTES
            if route.group.value == surface.value
        ]
    return _SIGNALING[surface]


def dsp_name(role: Role, method: str, path: str) -> str:
    """The name of the function behind a path of the protocol."""
    return re.sub(r"\W+", "_", f"{role.value.lower()}_dsp_{method.lower()}{path}").strip("_")


def _dsp(surface: Surface, role: Role) -> list[Endpoint]:
    base = f"{_DSP_BASE}/consumer" if role is Role.CONSUMER else _DSP_BASE
    return [
        Endpoint(surface, dsp_name(role, it.method, it.path), it.method, base + it.path)
        for it in ENDPOINTS
        if role in it.served_by and it.path not in _NOT_SERVED
    ]


_SIGNALING: dict[Surface, tuple[Endpoint, ...]] = {
    Surface.DATA_PLANE: (
        Endpoint(Surface.DATA_PLANE, "dataflow_start", "POST", "dataflows/start"),
        Endpoint(Surface.DATA_PLANE, "dataflow_status", "GET", "dataflows/{id}/status"),
        Endpoint(Surface.DATA_PLANE, "dataflow_terminate", "POST", "dataflows/{id}/terminate"),
    ),
    Surface.CONTROL: (
        Endpoint(Surface.CONTROL, "dataflow_completed", "POST", "control/transfers/{id}/dataflow/completed"),
        Endpoint(Surface.CONTROL, "dataflow_errored", "POST", "control/transfers/{id}/dataflow/errored"),
    ),
}
