"""QuerySpec over definitions and processes: pages, filters, order, and what is refused."""

from typing import Any

import pytest

from tests.unit.api.client import Client, body_of, faults_in, transfer_request
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
        ({"sortField": "name"}, "sortField"),
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


def test_search_through_too_many_is_refused(
    pair: Pair, consumer: Client, transfers: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    del pair, transfers
    monkeypatch.setattr("ferry.api.management.query.SEARCH_LIMIT", 2)
    assert list(faults_in(consumer.post("transferprocesses/request", where("type", "PROVIDER")))) == [
        "filterExpression"
    ]
    assert list(faults_in(consumer.post("transferprocesses/request", {"sortField": "createdAt"}))) == [
        "filterExpression"
    ]
    assert len(ids(consumer, "transferprocesses")) == 3
