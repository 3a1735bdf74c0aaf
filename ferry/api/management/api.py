"""The management API of one participant: its resources, and the way from a route to its handler.

Paths and shapes are those of EDC's Management API, versions 3 and 4, and the decision record's own.
"""

from dataclasses import dataclass, replace
from operator import attrgetter
from typing import cast

from ferry.api.http import SEARCH_LIMIT, ApiAnswer, ApiRequest
from ferry.api.management.access import Access, need_of
from ferry.api.management.assets import AssetsApi
from ferry.api.management.catalog import CatalogApi
from ferry.api.management.contract_definitions import ContractDefinitionsApi
from ferry.api.management.data_planes import DataPlanesApi
from ferry.api.management.edrs import EdrsApi
from ferry.api.management.errors import Handler, guarded
from ferry.api.management.negotiations import AgreementsApi, NegotiationsApi
from ferry.api.management.not_offered import NotOfferedApi
from ferry.api.management.orphans import OrphansApi
from ferry.api.management.policies import PoliciesApi
from ferry.api.management.routes import ApiVersion, Route
from ferry.api.management.secrets import SecretsApi
from ferry.api.management.transfer_orders import TransferOrders
from ferry.api.management.transfers import FlowSummary, TransfersApi
from ferry.api.management.version4 import from_v4, to_v4
from ferry.control_plane.catalog import Catalog
from ferry.control_plane.transfers import TransferService
from ferry.data_plane.orphans import Orphans
from ferry.domain.decision import Ids
from ferry.effects.progress import ProgressReader
from ferry.ports.clock import Clock
from ferry.ports.peer import Peer
from ferry.ports.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagementApi:
    """All resources, and who may use them. `search_limit`: how many documents one query may look at."""

    assets: AssetsApi
    policies: PoliciesApi
    contract_definitions: ContractDefinitionsApi
    catalog: CatalogApi
    negotiations: NegotiationsApi
    agreements: AgreementsApi
    transfers: TransfersApi
    edrs: EdrsApi
    data_planes: DataPlanesApi
    secrets: SecretsApi
    orphans: OrphansApi
    not_offered: NotOfferedApi
    access: Access
    search_limit: int

    def answer(self, route: Route, request: ApiRequest) -> ApiAnswer:
        """The answer to a request that came by this route; whatever is raised becomes an error in EDC's shape."""
        handler = cast("Handler", attrgetter(route.handler)(self))
        spoken = _in_version_4(handler, route.body_type) if route.version is ApiVersion.V4 else handler
        return guarded(spoken, access=self.access, need=need_of(route))(
            replace(request, search_limit=self.search_limit)
        )


def _in_version_4(handler: Handler, body_type: str) -> Handler:
    return lambda request: to_v4(handler(from_v4(request, body_type)))


def management_api(
    *,
    orders: TransferOrders,
    inline_seconds: float,
    access: Access,
    offers: Catalog,
    transfers: TransferService,
    orphans: Orphans,
    vault: Vault,
    peer: Peer,
    clock: Clock,
    ids: Ids,
    flow_summary: FlowSummary,
    progress_reader: ProgressReader,
    search_limit: int = SEARCH_LIMIT,
) -> ManagementApi:
    """The management API over the use cases of a participant; what `orders` may not name, nobody may."""
    agreements, definitions = orders.agreements, offers.contract_definitions
    check_address, own_secrets = orders.check_address, orders.own_secrets
    return ManagementApi(
        assets=AssetsApi(
            assets=offers.assets, agreements=agreements, clock=clock, ids=ids, check_address=check_address
        ),
        policies=PoliciesApi(policies=offers.policies, contract_definitions=definitions, clock=clock, ids=ids),
        contract_definitions=ContractDefinitionsApi(contract_definitions=definitions, clock=clock, ids=ids),
        catalog=CatalogApi(peer=peer, check_address=check_address),
        negotiations=NegotiationsApi(
            negotiations=orders.negotiations,
            participant_id=orders.participant_id,
            inline_seconds=inline_seconds,
            check_address=check_address,
            own_secrets=own_secrets,
        ),
        agreements=AgreementsApi(agreements=agreements, negotiations=orders.negotiations),
        transfers=TransfersApi(
            transfers=transfers,
            orders=orders,
            inline_seconds=inline_seconds,
            flow_summary=flow_summary,
            progress_reader=progress_reader,
        ),
        edrs=EdrsApi(transfers=transfers, agreements=agreements),
        data_planes=DataPlanesApi(planes=orders.planes, clock=clock, check_address=check_address),
        secrets=SecretsApi(vault=vault, clock=clock, own_secrets=own_secrets),
        orphans=OrphansApi(orphans=orphans),
        not_offered=NotOfferedApi(),
        access=access,
        search_limit=search_limit,
    )
