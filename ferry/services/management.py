"""The management API's handlers by the name of their function."""

from collections.abc import Callable

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.management.api import ManagementApi, management_api
from ferry.api.management.routes import MANAGEMENT_ROUTES, Route
from ferry.services.compose import Core
from ferry.services.dispatch import Dispatcher


def handlers(core: Core, dispatcher: Dispatcher) -> dict[str, Callable[[ApiRequest], ApiAnswer]]:
    """A handler for every route."""
    settings, outside = core.settings, core.outside
    api = management_api(
        participant_id=settings.participant_id,
        destination_account=settings.destination_account,
        inline_seconds=settings.inline_seconds,
        api_key=settings.api_key if settings.management_auth == "api-key" else None,
        offers=core.catalog,
        negotiations=core.negotiations,
        transfers=core.transfers,
        vault=outside.vault,
        peer=outside.peer,
        clock=outside.clock,
        ids=outside.ids,
        check_peer_address=outside.allow,
        flow_summary=dispatcher.flow_summary,
    )
    return {route.name: _handler(api, route) for route in MANAGEMENT_ROUTES}


def _handler(api: ManagementApi, route: Route) -> Callable[[ApiRequest], ApiAnswer]:
    return lambda request: api.answer(route, request)
