"""The catalog's endpoints: what this participant offers to the one that asks."""

import uuid
from dataclasses import dataclass

from ferry.api.dsp.answers import PeerEndpoint
from ferry.api.http import ApiAnswer, ApiRequest
from ferry.control_plane.catalog import Catalog, OfferedAsset
from ferry.domain.codec import to_json
from ferry.domain.criteria import matches
from ferry.domain.data_address import AZURE_STORAGE_PUSH
from ferry.domain.faults import NotFound
from ferry.domain.process import JsonObject
from ferry.protocol import catalog_messages, envelope
from ferry.protocol.catalog_messages import DataServiceInfo
from ferry.protocol.reader import load


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEndpoint:
    """The catalog of one participant. `dsp_url` is the protocol's base."""

    participant_id: str
    dsp_url: str
    peers: PeerEndpoint
    catalog: Catalog

    def request(self, request: ApiRequest) -> ApiAnswer:
        """POST /catalog/request."""
        return self.peers.answered(request, envelope.catalog_error, self._request)

    def get_dataset(self, request: ApiRequest) -> ApiAnswer:
        """GET /catalog/datasets/{id}."""
        return self.peers.answered(request, envelope.catalog_error, self._get_dataset)

    def _request(self, request: ApiRequest, peer_id: str) -> ApiAnswer:
        wanted = catalog_messages.read_catalog_request(load(request.body))
        found = [it for it in self.catalog.datasets(peer_id) if matches(wanted.criteria, to_json(it.asset))]
        page = found[wanted.offset : wanted.offset + wanted.limit]
        said = [catalog_messages.dataset(it.asset, _offers_of(it), self._service()) for it in page]
        catalog_id = str(uuid.uuid4())
        return ApiAnswer(
            200, catalog_messages.catalog(self.participant_id, said, self._service(), catalog_id=catalog_id)
        )

    def _get_dataset(self, request: ApiRequest, peer_id: str) -> ApiAnswer:
        asset_id = request.route.get("pid", "")
        found = self.catalog.dataset(peer_id, asset_id)
        if found is None:
            raise NotFound("dataset", asset_id)
        return ApiAnswer(200, catalog_messages.dataset_message(found.asset, _offers_of(found), self._service()))

    def _service(self) -> DataServiceInfo:
        service_id = str(uuid.uuid5(uuid.NAMESPACE_URL, self.dsp_url))
        return DataServiceInfo(service_id, self.dsp_url, (AZURE_STORAGE_PUSH,))


def _offers_of(offered: OfferedAsset) -> dict[str, JsonObject]:
    return {str(offer.id): offer.policy for offer in offered.offers}
