"""Which path of the protocol leads to which endpoint, for each role; derived from the protocol's own table of paths.

Routes are relative: the provider's to the DSP base, the consumer's to its callback address.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from ferry.api.dsp.api import DspApi
from ferry.api.http import ApiAnswer, ApiRequest
from ferry.domain.message_kind import MessageKind, Role
from ferry.protocol.paths import CATALOG_REQUEST, DATASET, ENDPOINTS, NEGOTIATION, TRANSFER, Endpoint

type Handle = Callable[[DspApi, ApiRequest], ApiAnswer]


@dataclass(frozen=True, slots=True)
class DspRoute:
    """One route: a name for its function, method, path with `{pid}`, and who answers."""

    name: str
    method: str
    path: str
    handle: Handle


def dsp_routes(role: Role) -> tuple[DspRoute, ...]:
    """The routes of one role."""
    routes: list[DspRoute] = []
    for endpoint in ENDPOINTS:
        handle = _handle(endpoint, role) if role in endpoint.served_by else None
        if handle is not None:
            name = re.sub(r"\W+", "_", f"{role.value.lower()}_dsp_{endpoint.method.lower()}{endpoint.path}").strip("_")
            routes.append(DspRoute(name, endpoint.method, endpoint.path.lstrip("/"), handle))
    return tuple(routes)


def _handle(endpoint: Endpoint, role: Role) -> Handle | None:
    fixed: dict[Endpoint, Handle] = {
        CATALOG_REQUEST: lambda api, request: api.catalog.request(request),
        DATASET: lambda api, request: api.catalog.get_dataset(request),
        NEGOTIATION: lambda api, request: api.negotiations.get(request, role),
        TRANSFER: lambda api, request: api.transfers.get(request, role),
    }
    if endpoint in fixed:
        return fixed[endpoint]
    kinds = tuple(endpoint.kinds)
    if not endpoint.has_pid:
        begins: dict[MessageKind, Handle] = {
            MessageKind.CONTRACT_REQUEST: lambda api, request: api.negotiations.request(request),
            MessageKind.TRANSFER_REQUEST: lambda api, request: api.transfers.request(request),
        }
        return begins.get(kinds[0])
    if endpoint.path.startswith("/negotiations"):
        return lambda api, request: api.negotiations.message(request, role, *kinds)
    return lambda api, request: api.transfers.message(request, role, *kinds)
