"""Management API of other participants' catalogs: a request is passed on by DSP, the answer comes as EDC shows it.

EDC 0.15 and later answer with the protocol's own bare terms under its contexts, and with an asset's properties under
`edc:`; so do we, whatever the peer's spelling. An offer in it can be sent back as it is to negotiate.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.management.body import BodyReader, as_items, load_body
from ferry.api.management.orders import ADDRESS_LIMIT, CheckAddress, check_url, read_counter_party_address
from ferry.api.management.query import QuerySpec, query_spec
from ferry.domain.data_address import EDC_NAMESPACE
from ferry.domain.faults import EffectFailed, FaultCode, InvalidInput, NotFound
from ferry.domain.process import Json, JsonObject
from ferry.ports.peer import Peer, PeerAnswer
from ferry.protocol import catalog_messages, paths
from ferry.protocol.catalog_messages import CatalogRequest
from ferry.protocol.catalog_pages import TOKEN_LIMIT, linked_pages
from ferry.protocol.envelope import read_error
from ferry.protocol.reader import objects_in
from ferry.protocol.terms import DSP_CONTEXT, short_term

CATALOG_CONTEXT: Json = [DSP_CONTEXT, "https://w3id.org/edc/dspace/v0.0.1"]

_URL = re.compile(r"https?://[\x21-\x7e]+", re.IGNORECASE)
_DATASET_TERMS = frozenset({"@id", "@type", "@context", "hasPolicy", "distribution"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogApi:
    """`/management/v3/catalog`."""

    peer: Peer
    check_address: CheckAddress

    def request(self, request: ApiRequest) -> ApiAnswer:
        """POST /request: what a provider offers us, one page of it.

        Where the provider's answer links to other pages, ours does so in a `Link` header, too: such a URL goes as
        `pageUrl` into the next request, which else pages by its querySpec.
        """
        reader = BodyReader(load_body(request))
        address = read_counter_party_address(reader, self.check_address)
        raw = reader.object("querySpec")
        spec = reader.collect(lambda: query_spec(raw, "querySpec")) or QuerySpec()
        if spec.ascending is not None:
            reader.fault("querySpec.sortField", "a provider's catalog cannot be sorted")
        page_url = self._page_url(reader, address)
        reader.finish()
        wanted = CatalogRequest(spec.offset, spec.limit, spec.criteria)
        message = catalog_messages.catalog_request(wanted)
        url = page_url or paths.url(address, paths.CATALOG_REQUEST)
        answer = self.peer.post(url, message, audience=address)
        body = _body_of(answer, address)
        try:
            shown = shown_catalog(body, catalog_messages.read_catalog(body))
        except InvalidInput as error:
            raise _unreadable(address, error) from error
        return ApiAnswer(200, shown, _links_of(answer))

    def _page_url(self, reader: BodyReader, address: str) -> str:
        """A page that the provider has linked to; who we are is told to that provider alone."""
        url = reader.text("pageUrl", required=False, limit=2 * ADDRESS_LIMIT + TOKEN_LIMIT)
        if url and not url.startswith(f"{address}/"):
            reader.fault("pageUrl", "is no page of the catalog at counterPartyAddress", url)
        elif url:
            check_url(reader, "pageUrl", url, self.check_address)
        return url

    def request_dataset(self, request: ApiRequest) -> ApiAnswer:
        """POST /dataset/request: one asset of a provider, with its offers."""
        reader = BodyReader(load_body(request))
        address = read_counter_party_address(reader, self.check_address)
        asset_id = reader.text("@id")
        reader.finish()
        answer = self.peer.get(paths.url(address, paths.DATASET, asset_id), audience=address)
        if answer.status == 404:
            raise NotFound("Dataset", asset_id)
        body = _body_of(answer, address)
        try:
            dataset = shown_dataset(body, catalog_messages.read_dataset(body))
        except InvalidInput as error:
            raise _unreadable(address, error) from error
        return ApiAnswer(200, {**dataset, "@context": CATALOG_CONTEXT})


def shown_catalog(raw: JsonObject, catalog: JsonObject) -> JsonObject:
    """A catalog as EDC's clients know it; `catalog` is what the protocol's reader made of `raw`."""
    datasets = objects_in(catalog.get("dataset"))
    sent = [item for name, value in raw.items() if short_term(name) == "dataset" for item in as_items(value)]
    if len(sent) != len(datasets):
        sent = list[Json](datasets)
    shown = [
        shown_dataset(told if isinstance(told, Mapping) else it, it) for told, it in zip(sent, datasets, strict=True)
    ]
    head = {"@id": catalog["@id"]} if "@id" in catalog else {}
    return {
        **head,
        "@type": "Catalog",
        "dataset": shown,
        "service": objects_in(catalog.get("service")),
        "participantId": catalog.get("participantId"),
        "@context": CATALOG_CONTEXT,
    }


def shown_dataset(raw: JsonObject, dataset: JsonObject) -> dict[str, Json]:
    """A dataset: standard terms as they were read, the asset's properties as they were sent, EDC's own under `edc:`."""
    properties = {
        _property_name(name): value
        for name, value in raw.items()
        if short_term(name) not in _DATASET_TERMS and value is not None
    }
    return {
        "@id": dataset["@id"],
        "@type": "Dataset",
        "hasPolicy": objects_in(dataset.get("hasPolicy")),
        "distribution": objects_in(dataset.get("distribution")),
        "id": dataset["@id"],
        **properties,
    }


def _property_name(name: str) -> str:
    short = name.removeprefix(EDC_NAMESPACE).removeprefix("edc:")
    if short == "id":
        return short
    return f"edc:{short}" if name.startswith(EDC_NAMESPACE) else name


def _links_of(answer: PeerAnswer) -> dict[str, str]:
    """The `Link` header of an answer, written anew; URLs that no header may hold are left out."""
    header = ", ".join(value for name, value in answer.headers.items() if name.lower() == "link")
    links = linked_pages(header).items()
    told = ", ".join(f'<{url}>; rel="{rel}"' for rel, url in links if _URL.fullmatch(url))
    return {"Link": told} if told else {}


def _body_of(answer: PeerAnswer, address: str) -> JsonObject:
    if 200 <= answer.status < 300 and answer.body is not None:
        return answer.body
    reasons = "; ".join(read_error(answer.body).reasons) if answer.body else ""
    message = f"{address} answered {answer.status}: {reasons or 'it gave no reason'}"
    raise EffectFailed.because(FaultCode.PEER_REFUSED, message, retryable=answer.status >= 500)


def _unreadable(address: str, error: InvalidInput) -> EffectFailed:
    return EffectFailed.because(FaultCode.PEER_REFUSED, f"{address} answered with no readable catalog: {error}")
