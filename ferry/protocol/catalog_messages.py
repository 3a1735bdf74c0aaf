"""The catalog: its request, the datasets with their offers, written and read.

An asset's properties stand beside the standard terms under EDC's IRIs, so that readers of JSON-LD keep them and no
property can pass for a term.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ferry.domain.contracts import Asset, Criterion
from ferry.domain.criteria import check_criteria
from ferry.domain.data_address import AZURE_STORAGE_PUSH, EDC_NAMESPACE
from ferry.domain.faults import InvalidInput
from ferry.domain.process import Json, JsonObject
from ferry.protocol.envelope import WrittenMessage, written
from ferry.protocol.negotiation_messages import offered_policy
from ferry.protocol.reader import objects_in, read
from ferry.protocol.schema import check


@dataclass(frozen=True, slots=True)
class CatalogRequest:
    """Which part of a catalog is wanted: EDC's QuerySpec. `limit` None leaves the size of a page to the provider."""

    offset: int = 0
    limit: int | None = None
    criteria: tuple[Criterion, ...] = ()


@dataclass(frozen=True, slots=True)
class DataServiceInfo:
    """The service that datasets are had from: our DSP base and an id for it."""

    id: str
    endpoint_url: str
    formats: tuple[str, ...] = field(default=(AZURE_STORAGE_PUSH,))


def catalog_request(request: CatalogRequest) -> WrittenMessage:
    """A CatalogRequestMessage with EDC's QuerySpec as its filter."""
    limit: WrittenMessage = {} if request.limit is None else {"limit": request.limit}
    query: WrittenMessage = {
        "@type": "QuerySpec",
        "offset": request.offset,
        **limit,
        "filterExpression": [_criterion(criterion) for criterion in request.criteria],
    }
    return written("CatalogRequestMessage", {"filter": [query]})


def read_catalog_request(body: Json) -> CatalogRequest:
    """A CatalogRequestMessage. Raises InvalidInput with every fault; a filter that we cannot evaluate is one."""
    message = read(body)
    check("CatalogRequestMessage", message)
    queries = objects_in(message.get("filter"))
    if not queries:
        return CatalogRequest()
    query = queries[0]
    criteria = tuple(
        Criterion(str(it["operandLeft"]), str(it["operator"]), it.get("operandRight"))
        for it in objects_in(query.get("filterExpression"))
    )
    if query.get("sortField"):
        raise InvalidInput.at("filter[0].sortField", "is not supported: a catalog is in the order of its ids")
    check_criteria(criteria, "filter[0].filterExpression")
    offset, limit = query.get("offset"), query.get("limit")
    return CatalogRequest(offset if isinstance(offset, int) else 0, limit if isinstance(limit, int) else None, criteria)


def dataset(asset: Asset, offers: Mapping[str, JsonObject], service: DataServiceInfo) -> WrittenMessage:
    """A dataset as it stands in a catalog: the asset, its offers (id -> policy) and the formats it is had in."""
    access: WrittenMessage = {"@id": service.id, "@type": "DataService", "endpointURL": service.endpoint_url}
    return {
        "@id": asset.id,
        "@type": "Dataset",
        "hasPolicy": [{"@id": offer_id, "@type": "Offer", **offered_policy(it)} for offer_id, it in offers.items()],
        "distribution": [{"@type": "Distribution", "format": it, "accessService": access} for it in service.formats],
        **_properties(asset),
    }


def dataset_message(asset: Asset, offers: Mapping[str, JsonObject], service: DataServiceInfo) -> WrittenMessage:
    """A dataset as an answer of its own."""
    said = dataset(asset, offers, service)
    return written("Dataset", {key: value for key, value in said.items() if key != "@type"})


def catalog(
    participant_id: str, datasets: Sequence[JsonObject], service: DataServiceInfo, *, catalog_id: str
) -> WrittenMessage:
    """A Catalog of these datasets; where there are none, 2025-1 wants the key left out."""
    data_service: WrittenMessage = {"@id": service.id, "@type": "DataService", "endpointURL": service.endpoint_url}
    fields: dict[str, Json] = {"participantId": participant_id, "service": [data_service], "dataset": list(datasets)}
    return written("Catalog", fields, message_id=catalog_id)


def read_catalog(body: Json) -> JsonObject:
    """A Catalog in short terms, lists as lists. Raises InvalidInput with every fault."""
    message = read(body)
    check("Catalog", message)
    return message


def read_dataset(body: Json) -> JsonObject:
    """A Dataset in short terms, lists as lists. Raises InvalidInput with every fault."""
    message = read(body)
    check("Dataset", message)
    return message


def _criterion(criterion: Criterion) -> WrittenMessage:
    return {
        "@type": "Criterion",
        "operandLeft": criterion.operand_left,
        "operator": criterion.operator,
        "operandRight": criterion.operand_right,
    }


def _properties(asset: Asset) -> WrittenMessage:
    named = {key if ":" in key else EDC_NAMESPACE + key: value for key, value in asset.properties.items()}
    return {f"{EDC_NAMESPACE}id": asset.id, **named}
