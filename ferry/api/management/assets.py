"""Management API of assets: blobs on offer. An address that could not be copied from is refused here, not later."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.management.body import BodyReader, free_properties, load_body, members, plain
from ferry.api.management.errors import InUse
from ferry.api.management.orders import CheckAddress, check_url
from ferry.api.management.query import read_query
from ferry.api.management.search import search_definitions
from ferry.api.management.shapes import id_response, shown_asset
from ferry.domain.contracts import Asset, ContractAgreement, Criterion
from ferry.domain.data_address import SourceAddress, read_source
from ferry.domain.decision import Ids
from ferry.domain.faults import InputFault, InvalidInput, NotFound
from ferry.domain.message_kind import Role
from ferry.domain.process import Json, JsonObject
from ferry.ports.clock import Clock
from ferry.ports.stores import Definitions

KIND = "Asset"

_ALIAS = re.compile(r"[0-9A-Za-z-]{1,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetsApi:
    """`/management/v3/assets`. `check_address` is the egress guard: it raises EffectFailed ADDRESS_FORBIDDEN."""

    assets: Definitions[Asset]
    agreements: Definitions[ContractAgreement]
    clock: Clock
    ids: Ids
    check_address: CheckAddress

    def create(self, request: ApiRequest) -> ApiAnswer:
        """POST: 409 where the id is taken."""
        asset = self._read(request)
        self.assets.create(asset.id, asset)
        return ApiAnswer(200, id_response(asset.id, asset.created_at))

    def get(self, request: ApiRequest) -> ApiAnswer:
        """GET /{id}."""
        return ApiAnswer(200, shown_asset(self._get(request.route.get("id", ""))))

    def update(self, request: ApiRequest) -> ApiAnswer:
        """PUT, with the id in the body: all of it is replaced."""
        asset = self._read(request, must_name=True)
        self.assets.update(asset.id, replace(asset, created_at=self._get(asset.id).created_at))
        return ApiAnswer(204)

    def delete(self, request: ApiRequest) -> ApiAnswer:
        """DELETE /{id}: 409 while somebody has a contract for it."""
        asset = self._get(request.route.get("id", ""))
        ours = (Criterion("asset_id", "=", asset.id), Criterion("role", "=", Role.PROVIDER.value))
        if self.agreements.query(ours, limit=1):
            raise InUse(KIND, asset.id, "contract agreement")
        self.assets.delete(asset.id)
        return ApiAnswer(204)

    def query(self, request: ApiRequest) -> ApiAnswer:
        """POST /request."""
        found = search_definitions(self.assets, read_query(request), shown_asset)
        return ApiAnswer(200, [shown_asset(asset) for asset in found])

    def _get(self, asset_id: str) -> Asset:
        asset = self.assets.get(asset_id)
        if asset is None:
            raise NotFound(KIND, asset_id)
        return asset

    def _read(self, request: ApiRequest, *, must_name: bool = False) -> Asset:
        reader = BodyReader(load_body(request))
        asset_id = reader.text("@id") if must_name else reader.identifier(fresh=self.ids.fresh)
        properties = _without_id(free_properties(reader.object("properties")))
        private = _without_id(free_properties(reader.object("privateProperties")))
        for name in properties.keys() & private.keys():
            reader.fault(f"privateProperties.{name}", "is there twice: in properties as well")
        address = self._address(reader)
        reader.finish()
        if address is None:
            raise InvalidInput.at("dataAddress", "is required")
        return Asset(asset_id, self.clock.now(), address, properties, private)

    def _address(self, reader: BodyReader) -> SourceAddress | None:
        raw = reader.object("dataAddress", required=True)
        if not raw:
            return None
        properties = address_properties(raw)
        reader.collect(lambda: check_alias(properties, "dataAddress"))
        source = reader.collect(lambda: read_source(properties))
        if source is not None and source.endpoint is not None:
            check_url(reader, "dataAddress.endpoint", source.endpoint, self.check_address)
        return source


def address_properties(raw: JsonObject) -> dict[str, Json]:
    """The properties of a DataAddress by short name, without wrappers."""
    return {name: plain(value) for name, value in members(raw).items() if not name.startswith("@")}


def check_alias(properties: Mapping[str, Json], path: str) -> None:
    """Raises InvalidInput where `keyName` can be no name of a secret."""
    alias = properties.get("keyName")
    if isinstance(alias, str) and alias and not _ALIAS.fullmatch(alias):
        message = "a secret's name has 1 to 127 letters, digits and hyphens"
        raise InvalidInput((InputFault(f"{path}.keyName", message, alias),))


def _without_id(properties: JsonObject) -> dict[str, Json]:
    """The asset's own id is no property of it."""
    return {name: value for name, value in properties.items() if name != "id"}
