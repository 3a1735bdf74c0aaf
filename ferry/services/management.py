"""The management API's handlers by the name of their function."""

from collections.abc import Callable

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.management.api import ManagementApi, management_api
from ferry.api.management.routes import MANAGEMENT_ROUTES, Route
from ferry.api.management.transfer_orders import TransferOrders
from ferry.services.addresses import not_our_own
from ferry.services.compose import Core
from ferry.services.dispatch import Dispatcher
from ferry.services.identities import management_access, own_secrets
from ferry.services.orphaned import orphans_of


def handlers(core: Core, dispatcher: Dispatcher) -> dict[str, Callable[[ApiRequest], ApiAnswer]]:
    """A handler for every route."""
    settings, outside = core.settings, core.outside
    orders = TransferOrders(
        agreements=core.transfers.agreements,
        negotiations=core.negotiations,
        participant_id=settings.participant_id,
        destination_account=settings.destination_account,
        check_address=not_our_own(settings, outside.allow),
        planes=core.planes,
        own_secrets=own_secrets(settings),
    )
    api = management_api(
        orders=orders,
        inline_seconds=settings.inline_seconds,
        access=management_access(settings, key_documents=outside.key_documents, clock=outside.clock),
        offers=core.catalog,
        transfers=core.transfers,
        orphans=orphans_of(settings, outside),
        vault=outside.vault,
        peer=outside.peer,
        clock=outside.clock,
        ids=outside.ids,
        flow_summary=dispatcher.flow_summary,
        progress_reader=core.progress,
        search_limit=settings.query_limit,
    )
    return {route.name: _handler(api, route) for route in MANAGEMENT_ROUTES}


def _handler(api: ManagementApi, route: Route) -> Callable[[ApiRequest], ApiAnswer]:
    return lambda request: api.answer(route, request)
