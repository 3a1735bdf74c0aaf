"""Which path of the protocol leads to which endpoint; derived from the protocol's own table of paths.

Routes are relative: those of a provider to the DSP base, those of a consumer to its callback address. At the DSP base a
provider that begins a negotiation finds our consumer's side, too.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ferry.api.dsp.api import DspApi
from ferry.api.http import ApiAnswer, ApiRequest
from ferry.domain.message_kind import Role
from ferry.protocol.paths import (
    ADDRESS,
    CALLBACK_PATH,
    CATALOG_REQUEST,
    DATASET,
    NEGOTIATION,
    NEGOTIATION_REQUEST,
    OFFERS,
    PROGRESS,
    TRANSFER,
    TRANSFER_REQUEST,
    ServedEndpoint,
    served_endpoints,
)

type Handle = Callable[[DspApi, ApiRequest], ApiAnswer]


@dataclass(frozen=True, slots=True)
class DspRoute:
    """One route: a name for its function, method, path with `{pid}`, and who answers."""

    name: str
    method: str
    path: str
    handle: Handle


def dsp_routes(role: Role) -> tuple[DspRoute, ...]:
    """The routes below the callback address (consumer) or the DSP base (provider)."""
    base = f"{CALLBACK_PATH}/" if role is Role.CONSUMER else "/"
    return tuple(
        DspRoute(served.name, served.endpoint.method, served.path.removeprefix(base), _handle(served))
        for served in served_endpoints()
        if served.is_callback is (role is Role.CONSUMER)
    )


def _handle(served: ServedEndpoint) -> Handle:
    endpoint, role = served.endpoint, served.role
    fixed: dict[str, Handle] = {
        CATALOG_REQUEST.path: lambda api, request: api.catalog.request(request),
        DATASET.path: lambda api, request: api.catalog.get_dataset(request),
        NEGOTIATION.path: lambda api, request: api.negotiations.get(request, role),
        TRANSFER.path: lambda api, request: api.transfers.get(request, role or Role.PROVIDER),
        NEGOTIATION_REQUEST.path: lambda api, request: api.negotiations.request(request),
        OFFERS.path: lambda api, request: api.negotiations.offer(request),
        TRANSFER_REQUEST.path: lambda api, request: api.transfers.request(request),
        ADDRESS.path: lambda api, request: api.transfers.renew(request),
        PROGRESS.path: lambda api, request: api.transfers.progress(request),
    }
    if endpoint.path in fixed:
        return fixed[endpoint.path]
    kinds = tuple(sorted(endpoint.kinds))
    if endpoint.path.startswith("/negotiations"):
        return lambda api, request: api.negotiations.message(request, role, *kinds)
    return lambda api, request: api.transfers.message(request, role or Role.PROVIDER, *kinds)
