"""The management API of one participant: its resources, and the way from a route to its handler.

Paths and shapes are those of EDC's Management API, version 3, and the decision record's own.
"""

from dataclasses import dataclass
from operator import attrgetter
from typing import cast

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.management.assets import AssetsApi
from ferry.api.management.catalog import CatalogApi
from ferry.api.management.contract_definitions import ContractDefinitionsApi
from ferry.api.management.errors import Handler, guarded
from ferry.api.management.negotiations import AgreementsApi, NegotiationsApi
from ferry.api.management.orders import CheckAddress
from ferry.api.management.policies import PoliciesApi
from ferry.api.management.routes import Route
from ferry.api.management.secrets import SecretsApi
from ferry.api.management.transfer_orders import TransferOrders
from ferry.api.management.transfers import FlowSummary, TransfersApi
from ferry.control_plane.catalog import Catalog
from ferry.control_plane.negotiations import NegotiationService
from ferry.control_plane.transfers import TransferService
from ferry.domain.decision import Ids
from ferry.ports import Clock, Peer, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class ManagementApi:
    """All resources. `api_key` is None where the host itself lets only the right callers in."""

    assets: AssetsApi
    policies: PoliciesApi
    contract_definitions: ContractDefinitionsApi
    catalog: CatalogApi
    negotiations: NegotiationsApi
    agreements: AgreementsApi
    transfers: TransfersApi
    secrets: SecretsApi
    api_key: str | None

    def answer(self, route: Route, request: ApiRequest) -> ApiAnswer:
        """The answer to a request that came by this route; whatever is raised becomes an error in EDC's shape."""
        handler = cast("Handler", attrgetter(route.handler)(self))
        return guarded(handler, api_key=self.api_key)(request)


def management_api(
    *,
    participant_id: str,
    destination_account: str,
    inline_seconds: float,
    api_key: str | None,
    offers: Catalog,
    negotiations: NegotiationService,
    transfers: TransferService,
    vault: Vault,
    peer: Peer,
    clock: Clock,
    ids: Ids,
    check_peer_address: CheckAddress,
    flow_summary: FlowSummary,
) -> ManagementApi:
    """The management API over the use cases of a participant."""
    check, agreements = check_peer_address, transfers.agreements
    definitions = offers.contract_definitions
    orders = TransferOrders(
        agreements=agreements,
        negotiations=negotiations,
        participant_id=participant_id,
        destination_account=destination_account,
        check_address=check,
    )
    return ManagementApi(
        assets=AssetsApi(assets=offers.assets, agreements=agreements, clock=clock, ids=ids, check_address=check),
        policies=PoliciesApi(policies=offers.policies, contract_definitions=definitions, clock=clock, ids=ids),
        contract_definitions=ContractDefinitionsApi(contract_definitions=definitions, clock=clock, ids=ids),
        catalog=CatalogApi(peer=peer, check_address=check),
        negotiations=NegotiationsApi(
            negotiations=negotiations, participant_id=participant_id, inline_seconds=inline_seconds, check_address=check
        ),
        agreements=AgreementsApi(agreements=agreements, negotiations=negotiations),
        transfers=TransfersApi(
            transfers=transfers, orders=orders, inline_seconds=inline_seconds, flow_summary=flow_summary
        ),
        secrets=SecretsApi(vault=vault, clock=clock),
        api_key=api_key,
    )
