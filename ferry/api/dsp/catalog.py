"""The catalog's endpoints: what this participant offers to the one that asks, page by page."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from ferry.api.dsp.answers import PeerEndpoint
from ferry.api.http import ApiAnswer, ApiRequest
from ferry.control_plane.catalog import Catalog, OfferedAsset
from ferry.domain.faults import NotFound
from ferry.domain.process import Json, JsonObject
from ferry.protocol import catalog_messages, catalog_pages, envelope, paths
from ferry.protocol.catalog_messages import DataServiceInfo
from ferry.protocol.catalog_pages import TOKEN_PARAMETER, PageRequest
from ferry.protocol.reader import load

DEFAULT_PAGE_SIZE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEndpoint:
    """The catalog of one participant. `dsp_url` is the protocol's base.

    `transfer_types` gives the formats in which some data plane of ours can serve data. `page_size` is how many datasets
    a page has, where the request does not say.
    """

    participant_id: str
    dsp_url: str
    peers: PeerEndpoint
    catalog: Catalog
    transfer_types: Callable[[], tuple[str, ...]]
    page_size: int = DEFAULT_PAGE_SIZE

    def request(self, request: ApiRequest) -> ApiAnswer:
        """POST /catalog/request, and GET where a link leads on; with a token the link says which page is wanted."""
        return self.peers.answered(request, _error, self._request)

    def get_dataset(self, request: ApiRequest) -> ApiAnswer:
        """GET /catalog/datasets/{id}."""
        return self.peers.answered(request, _error, self._get_dataset)

    def _request(self, request: ApiRequest, peer_id: str) -> ApiAnswer:
        wanted = self._wanted(request)
        offset = 0 if wanted.after else wanted.offset
        criteria = wanted.request.criteria
        page = self.catalog.page(peer_id, criteria, after=wanted.after, offset=offset, limit=wanted.limit)
        following = wanted.next(len(page.assets), page.assets[-1].asset.id) if page.has_more else None
        address = paths.url(self.dsp_url, paths.CATALOG_REQUEST)
        link = catalog_pages.link_header(address, previous=wanted.previous, following=following)
        service = self._service()
        said = [catalog_messages.dataset(it.asset, _offers_of(it), service) for it in page.assets]
        body = catalog_messages.catalog(self.participant_id, said, service, catalog_id=str(uuid.uuid4()))
        return ApiAnswer(200, body, {"Link": link} if link else {})

    def _wanted(self, request: ApiRequest) -> PageRequest:
        token = request.query.get(TOKEN_PARAMETER)
        if token is not None or request.method == "GET":
            return catalog_pages.read_token(token or "")
        return catalog_pages.first_page(catalog_messages.read_catalog_request(load(request.body)), self.page_size)

    def _get_dataset(self, request: ApiRequest, peer_id: str) -> ApiAnswer:
        asset_id = request.route.get("pid", "")
        found = self.catalog.dataset(peer_id, asset_id)
        if found is None:
            raise NotFound("dataset", asset_id)
        return ApiAnswer(200, catalog_messages.dataset_message(found.asset, _offers_of(found), self._service()))

    def _service(self) -> DataServiceInfo:
        service_id = str(uuid.uuid5(uuid.NAMESPACE_URL, self.dsp_url))
        return DataServiceInfo(service_id, self.dsp_url, self.transfer_types())


def _offers_of(offered: OfferedAsset) -> dict[str, JsonObject]:
    return {str(offer.id): offer.policy for offer in offered.offers}


def _error(status: int, reasons: list[str], peer_id: str | None) -> dict[str, Json]:
    del peer_id
    return envelope.catalog_error(status, reasons)
