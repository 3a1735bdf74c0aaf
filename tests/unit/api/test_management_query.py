"""QuerySpec over definitions and processes: pages, filters, order, and what is refused."""

import re
from typing import Any

import pytest

from tests.unit.api.client import Client, body_of, client_of, faults_in, transfer_request
from tests.world.participants import Pair

ADDRESS = {"type": "AzureStorage", "account": "providerdata", "container": "source", "blobName": "x"}


def where(left: str, right: Any, operator: str = "=") -> dict[str, Any]:
    """A QuerySpec with one criterion."""
    return {"filterExpression": [{"operandLeft": left, "operator": operator, "operandRight": right}]}


def ids(client: Client, noun: str, query: Any = None) -> list[str]:
    """The ids of what is found, in order."""
    return [it["@id"] for it in body_of(client.post(f"{noun}/request", query))]


@pytest.fixture
def transfers(pair: Pair, consumer: Client) -> list[str]:
    """Three transfers, oldest first: two completed, one terminated."""
    found: list[str] = []
    for number in range(3):
        pair.world.clock.advance(1)
        if number == 2:
            pair.provider.core.outside.assets.delete("asset-1")
        found.append(body_of(consumer.post("transferprocesses", transfer_request(pair)))["@id"])
        pair.run()
    return found


@pytest.fixture
def assets(pair: Pair, provider: Client) -> list[str]:
    """Assets c, a and b, created in that order, beside asset-1."""
    for name in ("c", "a", "b"):
        pair.world.clock.advance(1)
        body_of(provider.post("assets", {"@id": name, "properties": {"size": ord(name)}, "dataAddress": ADDRESS}))
    return ["c", "a", "b"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (None, ["a", "asset-1", "b", "c"]),
        ({}, ["a", "asset-1", "b", "c"]),
        ({"@context": {}, "@type": "QuerySpec", "offset": 1, "limit": 2}, ["asset-1", "b"]),
        ({"sortField": "createdAt"}, ["asset-1", "c", "a", "b"]),
        ({"sortField": "createdAt", "sortOrder": "DESC", "limit": 2}, ["b", "a"]),
        ({"edc:sortField": "https://w3id.org/edc/v0.0.1/ns/createdAt", "offset": 3}, ["b"]),
        (where("https://w3id.org/edc/v0.0.1/ns/id", "b"), ["b"]),
        (where("id", ["a", "b"], "in"), ["a", "b"]),
        (where("id", {"@list": ["a"]}, "in"), ["a"]),
        (where("id", [{"@value": "a"}]), ["a"]),
        (where("size", 98, ">="), ["b", "c"]),
        (where("id", "asset%", "like"), ["asset-1"]),
        (where("nothing", "x"), []),
    ],
)
@pytest.mark.usefixtures("assets")
def test_query_of_definitions(provider: Client, query: Any, expected: list[str]) -> None:
    assert ids(provider, "assets", query) == expected


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"offset": -1}, "offset"),
        ({"offset": "1"}, "offset"),
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"offset": 10**30}, "offset"),
        ({"sortField": "x." * 200}, "sortField"),
        (where("x." * 5000, 1), "filterExpression[0].operandLeft"),
        ({"sortOrder": "UP"}, "sortOrder"),
        ({"filterExpression": "id=1"}, "filterExpression[0]"),
        (where("id", 1, "resembles"), "filterExpression[0].operator"),
        (where("id", 1, "in"), "filterExpression[0].operandRight"),
        (where("", 1), "filterExpression[0].operandLeft"),
    ],
)
@pytest.mark.parametrize("noun", ["assets", "transferprocesses", "contractnegotiations", "contractagreements"])
def test_query_with_a_fault_is_refused_at_its_path(provider: Client, noun: str, query: Any, path: str) -> None:
    assert list(faults_in(provider.post(f"{noun}/request", query))) == [path]


def test_numbers_of_any_size_are_in_their_order(provider: Client) -> None:
    for name, size in (("d", 10**400), ("b", 1.5), ("c", 2**63), ("a", -(10**400))):
        body_of(provider.post("assets", {"@id": name, "properties": {"size": size}, "dataAddress": ADDRESS}))
    assert ids(provider, "assets", {"sortField": "size"}) == ["a", "b", "c", "d", "asset-1"]


def test_processes_are_listed_newest_first(consumer: Client, transfers: list[str]) -> None:
    assert ids(consumer, "transferprocesses") == transfers[::-1]
    assert ids(consumer, "transferprocesses", {"offset": 1, "limit": 1}) == [transfers[1]]
    assert ids(consumer, "transferprocesses", {"sortField": "createdAt"}) == transfers
    newest_first = {"sortField": "createdAt", "sortOrder": "DESC"}
    assert ids(consumer, "transferprocesses", newest_first) == transfers[::-1]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (where("state", "COMPLETED"), [1, 0]),
        (where("https://w3id.org/edc/v0.0.1/ns/state", 800), [1, 0]),
        (where("state", [850, "COMPLETED"], "in"), [2, 1, 0]),
        (where("state", "STARTED"), []),
        (where("state", "NO_STATE"), []),
        (where("type", "CONSUMER"), [2, 1, 0]),
        (where("type", "PROVIDER"), []),
        (where("assetId", "asset-1"), [2, 1, 0]),
        (where("error.code", "SOURCE_BLOB_MISSING"), [2]),
        ({**where("type", "CONSUMER"), "offset": 1, "limit": 1}, [1]),
        ({**where("state", "COMPLETED"), "sortField": "createdAt"}, [0, 1]),
    ],
)
def test_processes_are_found_by_what_is_shown_of_them(
    consumer: Client, transfers: list[str], query: Any, wanted: list[int]
) -> None:
    assert ids(consumer, "transferprocesses", query) == [transfers[number] for number in wanted]


def test_process_is_found_by_its_id(consumer: Client, transfers: list[str]) -> None:
    assert ids(consumer, "transferprocesses", where("id", transfers[1])) == [transfers[1]]
    assert ids(consumer, "transferprocesses", where("id", "unknown")) == []
    both = [*where("id", transfers[1])["filterExpression"], *where("state", "COMPLETED")["filterExpression"]]
    assert ids(consumer, "transferprocesses", {"filterExpression": both}) == [transfers[1]]


def test_negotiations_of_both_roles_are_found(pair: Pair, consumer: Client, provider: Client) -> None:
    for side, role in ((consumer, "CONSUMER"), (provider, "PROVIDER")):
        (found,) = body_of(side.post("contractnegotiations/request", where("state", "FINALIZED")))
        assert (found["type"], found["contractAgreementId"]) == (role, pair.agreement_id)
        assert ids(side, "contractagreements", where("assetId", "asset-1")) == [pair.agreement_id]


def test_search_through_too_many_is_refused(pair: Pair, transfers: list[str]) -> None:
    del transfers
    narrow = client_of(pair.consumer, search_limit=2)
    for query in (where("type", "PROVIDER"), {"sortField": "createdAt"}, {"sortField": "state"}):
        told = faults_in(narrow.post("transferprocesses/request", query))
        assert list(told) == ["filterExpression"]
        assert "more than 2 documents" in str(told["filterExpression"])
    assert len(ids(narrow, "transferprocesses")) == 3


def test_search_that_finds_enough_in_time_looks_at_no_more(pair: Pair, transfers: list[str]) -> None:
    narrow = client_of(pair.consumer, search_limit=2)
    found = ids(narrow, "transferprocesses", {**where("type", "CONSUMER"), "limit": 1})
    assert found == [transfers[2]]


@pytest.mark.usefixtures("assets")
def test_search_through_too_many_definitions_is_refused(pair: Pair) -> None:
    narrow = client_of(pair.provider, search_limit=3)
    assert list(faults_in(narrow.post("assets/request", where("size", 0)))) == ["filterExpression"]
    assert ids(narrow, "assets", where("id", "c")) == ["c"]
    assert ids(narrow, "assets", {"limit": 3}) == ["a", "asset-1", "b"]


# --- every operator, every order --------------------------------------------------------------------------------


def _millis(pair: Pair, seconds: float) -> int:
    return int((pair.world.clock.now().timestamp() + seconds) * 1000)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (where("size", 98, "!="), ["a", "asset-1", "c"]),
        (where("size", [97, 99], "in"), ["a", "c"]),
        (where("size", [97, 99], "not in"), ["asset-1", "b"]),
        (where("id", "ASSET-_", "ilike"), ["asset-1"]),
        (where("size", 98, "<"), ["a"]),
        (where("size", 98, "<="), ["a", "b"]),
        (where("size", 98, ">"), ["c"]),
        (where("dataAddress.blobName", "x"), ["a", "b", "c"]),
        ({"sortField": "size"}, ["a", "b", "c", "asset-1"]),
        ({"sortField": "size", "sortOrder": "DESC"}, ["c", "b", "a", "asset-1"]),
        ({"sortField": "https://w3id.org/edc/v0.0.1/ns/size", "offset": 1, "limit": 1}, ["b"]),
        ({"sortField": "dataAddress.blobName"}, ["asset-1", "a", "b", "c"]),
    ],
)
@pytest.mark.usefixtures("assets")
def test_definitions_by_every_operator_and_order(provider: Client, query: Any, expected: list[str]) -> None:
    assert sorted(ids(provider, "assets", query)) == sorted(expected)
    if "sortField" in query and "dataAddress" not in query["sortField"]:
        assert ids(provider, "assets", query) == expected


def test_list_in_a_property_contains(provider: Client) -> None:
    body_of(provider.post("assets", {"@id": "t", "properties": {"tags": ["a", "b"]}, "dataAddress": ADDRESS}))
    assert ids(provider, "assets", where("tags", "a", "contains")) == ["t"]
    assert ids(provider, "assets", where("tags", "x", "contains")) == []


def test_definitions_are_found_by_when_they_were_made(pair: Pair, provider: Client, assets: list[str]) -> None:
    del assets
    assert ids(provider, "assets", where("createdAt", _millis(pair, -0.5), ">")) == ["b"]
    assert ids(provider, "assets", where("createdAt", _millis(pair, -0.5), "<")) == ["a", "asset-1", "c"]
    assert ids(provider, "contractagreements", where("providerId", "provider")) == [pair.agreement_id]
    assert ids(provider, "contractagreements", where("contractSigningDate", 0, ">")) == [pair.agreement_id]


@pytest.mark.parametrize(
    ("after_second_ms", "operator", "wanted"),
    [(1, ">", [2]), (1, "<", [1, 0]), (0, "<=", [1, 0]), (0, ">=", [2, 1]), (0, "=", [1]), (10**6, ">", [])],
)
def test_processes_are_found_by_when_they_were_begun(
    consumer: Client, transfers: list[str], after_second_ms: int, operator: str, wanted: list[int]
) -> None:
    second = body_of(consumer.get(f"transferprocesses/{transfers[1]}"))["createdAt"]
    query = where("createdAt", second + after_second_ms, operator)
    assert ids(consumer, "transferprocesses", query) == [transfers[number] for number in wanted]


def test_bounds_of_time_keep_a_search_within_its_limit(pair: Pair, consumer: Client, transfers: list[str]) -> None:
    created = [body_of(consumer.get(f"transferprocesses/{it}"))["createdAt"] for it in transfers]
    narrow = client_of(pair.consumer, search_limit=1)
    both = [
        *where("createdAt", created[1], ">=")["filterExpression"],
        *where("createdAt", created[1], "<=")["filterExpression"],
    ]
    assert ids(narrow, "transferprocesses", {"filterExpression": both}) == [transfers[1]]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        (where("state", 800, ">"), [2]),
        (where("state", 850, "<"), [1, 0]),
        (where("state", "COMP%", "like"), [1, 0]),
        ({"sortField": "state"}, [1, 0, 2]),
        ({"sortField": "state", "sortOrder": "DESC"}, [2, 1, 0]),
        ({"sortField": "stateTimestamp", "limit": 1}, [0]),
        ({"sortField": "errorDetail", "limit": 1}, [2]),
        ({**where("state", "COMPLETED"), "sortField": "createdAt", "offset": 1}, [1]),
    ],
)
def test_processes_by_number_of_state_and_in_any_order(
    consumer: Client, transfers: list[str], query: Any, wanted: list[int]
) -> None:
    assert sorted(ids(consumer, "transferprocesses", query)) == sorted(transfers[number] for number in wanted)
    if query.get("sortField") not in (None, "state"):
        assert ids(consumer, "transferprocesses", query) == [transfers[number] for number in wanted]


# --- pages by Link ----------------------------------------------------------------------------------------------


def _linked(client: Client, query: Any) -> list[list[str]]:
    """The ids on each page, going on as `Link` says."""
    pages: list[list[str]] = []
    path = "transferprocesses/request"
    while True:
        answer = client.post(path, query)
        pages.append([it["@id"] for it in body_of(answer)])
        link = answer.headers.get("Link")
        if link is None:
            return pages
        match = re.fullmatch(r'<(\?cursor=[-_%A-Za-z0-9]+)>; rel="next"', link)
        assert match is not None, link
        path = f"transferprocesses/request{match[1]}"


def test_link_leads_through_all_pages(consumer: Client, transfers: list[str]) -> None:
    newest_first = transfers[::-1]
    assert _linked(consumer, {"limit": 3}) == [newest_first]
    assert _linked(consumer, {"limit": 2}) == [newest_first[:2], newest_first[2:]]
    assert _linked(consumer, {"limit": 1}) == [[it] for it in newest_first]
    assert _linked(consumer, {"limit": 1, **where("state", "COMPLETED")}) == [[transfers[1]], [transfers[0]]]
    assert _linked(consumer, {"limit": 1, **where("type", "CONSUMER")}) == [[it] for it in newest_first]
    assert _linked(consumer, {"offset": 1, "limit": 1}) == [[transfers[1]], [transfers[0]]]
    assert _linked(consumer, where("id", transfers[0])) == [[transfers[0]]]


def test_ordered_list_has_no_link(consumer: Client, transfers: list[str]) -> None:
    del transfers
    answer = consumer.post("transferprocesses/request", {"sortField": "createdAt", "limit": 1})
    assert (len(body_of(answer)), dict(answer.headers)) == (1, {})


@pytest.mark.parametrize("cursor", ["x", "AAAA", "MTIz", "%C3%A4", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OSB4"])
def test_cursor_that_no_page_gave_is_refused(consumer: Client, cursor: str) -> None:
    assert list(faults_in(consumer.post(f"transferprocesses/request?cursor={cursor}"))) == ["cursor"]


def test_cursor_does_not_go_with_another_order(consumer: Client, transfers: list[str]) -> None:
    del transfers
    link = consumer.post("transferprocesses/request", {"limit": 1}).headers["Link"]
    path = f"transferprocesses/request{link[1:].partition('>')[0]}"
    assert list(faults_in(consumer.post(path, {"sortField": "state"}))) == ["sortField"]
