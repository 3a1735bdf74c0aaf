"""The catalog as a peer sees it: pages with links, one dataset, what it may be asked and what it may not."""

from typing import Any
from urllib.parse import unquote

import pytest

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.domain.contracts import Asset, ContractDefinition
from ferry.domain.data_address import SourceAddress
from ferry.protocol import catalog_messages, catalog_pages
from ferry.protocol.catalog_pages import TOKEN_PARAMETER, linked_pages
from ferry.protocol.identity import MockIdentity
from tests.unit.api.dsp_client import body_of, consumer_of, message
from tests.unit.protocol.strict import assert_strict
from tests.world.participants import STARTED_AT, Pair, make_pair


@pytest.fixture
def pair() -> Pair:
    """A provider with seven assets for all, three on a page."""
    return seven()


def seven(query_limit: str = "10000") -> Pair:
    made = make_pair(FERRY_CATALOG_PAGE_SIZE="3", FERRY_QUERY_LIMIT=query_limit)
    outside = made.provider.core.outside
    for number in range(6):
        address = SourceAddress("providerdata", "source", None, "")
        asset = Asset(f"b/{number}", STARTED_AT, address, {"half": number % 2}, {"cost": 7})
        outside.assets.create(asset.id, asset)
    outside.contract_definitions.create("all", ContractDefinition("all", STARTED_AT, "policy-1", "policy-1"))
    return made


def asked(pair: Pair, **query: Any) -> ApiAnswer:
    """The answer to a CatalogRequestMessage."""
    told = [{"@type": "QuerySpec", **query}] if query else None
    return consumer_of(pair).post("catalog/request", message("CatalogRequestMessage", filter=told))


def followed(pair: Pair, answer: ApiAnswer, rel: str, method: str = "POST") -> ApiAnswer:
    """The answer to what a link leads to, with nothing but the link."""
    url = linked_pages(answer.headers["Link"])[rel]
    assert url.startswith(f"{pair.provider.core.settings.dsp_url}/catalog/request?{TOKEN_PARAMETER}=")
    sent = pair.provider.serve(method, url, {"Authorization": MockIdentity("consumer").authorization("x")}, None)
    return ApiAnswer(sent.status, sent.body, sent.headers)


def ids_in(answer: ApiAnswer) -> list[str]:
    return [it["@id"] for it in body_of(answer).get("dataset", [])]


def reasons_in(answer: ApiAnswer, status: int = 400) -> str:
    body = body_of(answer, status)
    assert_strict(body)
    assert body["@type"] == "CatalogError"
    return " ".join(body["reason"])


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_links_lead_through_the_whole_catalog_and_back(pair: Pair, method: str) -> None:
    pages = [asked(pair)]
    while "next" in linked_pages(pages[-1].headers.get("Link", "")):
        pages.append(followed(pair, pages[-1], "next", method))
    assert [ids_in(page) for page in pages] == [["asset-1", "b/0", "b/1"], ["b/2", "b/3", "b/4"], ["b/5"]]
    for page in pages:
        assert_strict(body_of(page))
    back = followed(pair, pages[2], "previous", method)
    assert ids_in(back) == ids_in(pages[1])
    assert ids_in(followed(pair, back, "previous", method)) == ids_in(pages[0])
    assert "previous" not in linked_pages(pages[0].headers["Link"])


def test_page_that_was_asked_for_keeps_its_filter_and_its_size_behind_its_link(pair: Pair) -> None:
    criterion = {"@type": "Criterion", "operandLeft": "half", "operator": "=", "operandRight": 1}
    first = asked(pair, offset=0, limit=2, filterExpression=[criterion])
    assert ids_in(first) == ["b/1", "b/3"]
    second = followed(pair, first, "next")
    assert (ids_in(second), list(linked_pages(second.headers["Link"]))) == (["b/5"], ["previous"])


def test_catalog_that_fits_on_a_page_has_no_link(pair: Pair) -> None:
    answer = asked(pair, limit=50, offset=0)
    assert (len(ids_in(answer)), "Link" in answer.headers) == (7, False)


def test_asset_that_is_new_between_two_pages_shifts_nothing(pair: Pair) -> None:
    first = asked(pair)
    address = SourceAddress("providerdata", "source", None, "")
    pair.provider.core.outside.assets.create("a", Asset("a", STARTED_AT, address))
    assert ids_in(followed(pair, first, "next")) == ["b/2", "b/3", "b/4"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"sortField": "name", "sortOrder": "DESC"}, "sortField"),
        ({"filterExpression": [{"operandLeft": "id", "operator": "near", "operandRight": 1}]}, "operator"),
        ({"limit": 0}, "limit"),
        ({"offset": 1_000_001}, "offset"),
        ({"offset": 10**30}, "offset"),
        ({"filterExpression": [{"operandLeft": "x." * 5000, "operator": "=", "operandRight": 1}]}, "operandLeft"),
        ({"@type": "SparqlQuery"}, "@type"),
    ],
)
def test_filter_that_cannot_be_evaluated_is_a_typed_error(pair: Pair, query: dict[str, Any], words: str) -> None:
    assert words in reasons_in(asked(pair, **query))


@pytest.mark.parametrize("token", ["", "nonsense", "e30="])
def test_link_that_is_none_of_ours_is_a_typed_error(pair: Pair, token: str) -> None:
    url = f"{pair.provider.core.settings.dsp_url}/catalog/request"
    headers = {"authorization": MockIdentity("consumer").authorization("x")}
    answer = pair.provider.core.dsp.catalog.request(ApiRequest("GET", url, headers, {}, {TOKEN_PARAMETER: token}))
    assert TOKEN_PARAMETER in reasons_in(answer)


@pytest.mark.parametrize(("limit", "status"), [("6", 400), ("7", 200)])
def test_page_that_would_look_at_too_many_assets_is_a_typed_error(limit: str, status: int) -> None:
    pair = seven(limit)
    for query in ({"filterExpression": [{"operandLeft": "half", "operator": "=", "operandRight": 7}]}, {"offset": 7}):
        answer = asked(pair, **query)
        assert answer.status == status
        if status == 400:
            assert f"more than {limit} assets" in reasons_in(answer)
    assert ids_in(asked(pair, limit=2)) == ["asset-1", "b/0"]


def test_link_behind_the_largest_offset_still_leads_on() -> None:
    request = catalog_messages.CatalogRequest(1_000_000)
    page = catalog_pages.PageRequest(request, 1_000_000, 3, "b/1").next(3, "b/1")
    link = catalog_pages.link_header("http://x.test", previous=None, following=page)
    token = catalog_pages.linked_pages(link)["next"].rpartition("=")[2]
    assert catalog_pages.read_token(unquote(token)).after == "b/1"


def test_filter_does_not_reach_what_is_not_told(pair: Pair) -> None:
    for operand in ("private_properties.cost", "cost", "address.account"):
        criterion = {"operandLeft": operand, "operator": "like", "operandRight": "%"}
        assert ids_in(asked(pair, filterExpression=[criterion])) == []


def test_dataset_names_every_format_that_a_data_plane_serves(pair: Pair) -> None:
    dataset = body_of(consumer_of(pair).call("GET", "catalog/datasets/asset-1", b""))
    assert_strict(dataset)
    formats = [it["format"] for it in dataset["distribution"]]
    assert formats == list(pair.provider.core.dsp.catalog.transfer_types())
    assert "AzureStorage-PUSH" in formats
    assert pair.provider.core.dsp.catalog.page_size == 3


def test_dataset_that_is_not_there_is_a_typed_error(pair: Pair) -> None:
    assert "nope" in reasons_in(consumer_of(pair).get("catalog/datasets/nope"), 404)
