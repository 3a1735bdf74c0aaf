"""Pages of a catalog: tokens survive the wire, foreign ones are refused, the header is read in all its spellings."""

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from ferry.domain.contracts import Criterion
from ferry.domain.faults import InvalidInput
from ferry.protocol.catalog_messages import CatalogRequest, catalog_request, read_catalog_request
from ferry.protocol.catalog_pages import (
    LARGEST_PAGE,
    TOKEN_LIMIT,
    TOKEN_PARAMETER,
    PageRequest,
    first_page,
    link_header,
    linked_pages,
    read_token,
)

ADDRESS = "https://provider.example/api/dsp/2025-1/catalog/request"
CRITERIA = (Criterion("https://example.org/ns/theme", "in", ["wäter", "<b>"]), Criterion("id", "!=", 'x",y'))
PAGE = PageRequest(CatalogRequest(0, None, CRITERIA), 20, 10, "asset/ü#2")


def token_in(url: str) -> str:
    return dict(parse_qsl(urlsplit(url).query))[TOKEN_PARAMETER]


def test_link_leads_to_the_pages_before_and_behind() -> None:
    header = link_header(ADDRESS, previous=PAGE.previous, following=PAGE.next(10, "last"))

    links = linked_pages(header)

    assert all(url.startswith(f"{ADDRESS}?") for url in links.values())
    before, behind = read_token(token_in(links["previous"])), read_token(token_in(links["next"]))
    assert (before.offset, before.limit, before.after) == (10, 10, "")
    assert (behind.offset, behind.limit, behind.after) == (30, 10, "last")
    assert before.request.criteria == behind.request.criteria == CRITERIA


def test_token_survives_the_wire_with_whatever_stands_in_it() -> None:
    links = linked_pages(link_header(ADDRESS, previous=None, following=PAGE))
    read = read_token(token_in(links["next"]))
    assert (read.offset, read.limit, read.after) == (PAGE.offset, PAGE.limit, PAGE.after)


def test_only_page_has_no_link() -> None:
    assert link_header(ADDRESS, previous=first_page(CatalogRequest(), 5).previous, following=None) == ""


@pytest.mark.parametrize(("asked", "limit"), [(None, 7), (3, 3), (LARGEST_PAGE + 1, LARGEST_PAGE)])
def test_page_is_as_large_as_asked_for_up_to_a_limit(asked: int | None, limit: int) -> None:
    assert first_page(CatalogRequest(limit=asked), 7).limit == limit


def test_filter_that_no_link_could_hold_is_refused() -> None:
    criteria = tuple(Criterion("id", "=", "x" * 100) for _ in range(64))
    with pytest.raises(InvalidInput, match=f"filter.*{TOKEN_LIMIT}"):
        first_page(CatalogRequest(criteria=criteria), 7)


def tokened(held: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(held).encode()).decode()


REQUEST = catalog_request(CatalogRequest(5, 10))
FOREIGN = [
    "",
    "x",
    "äöü",
    "\ud800",
    "[]",
    "A" * (3 * TOKEN_LIMIT),
    tokened([1]),
    tokened({}),
    tokened({"after": "a", "limit": 10}),
    tokened({"after": "a", "limit": 10, "request": []}),
    tokened({"after": "a", "limit": 10, "request": {"@type": "CatalogRequestMessage", "filter": [{"sparql": 1}]}}),
    tokened({"after": None, "limit": 10, "request": REQUEST}),
    tokened({"after": "a", "limit": 0, "request": REQUEST}),
    tokened({"after": "a", "limit": LARGEST_PAGE + 1, "request": REQUEST}),
    tokened({"after": "a", "limit": "10", "request": REQUEST}),
    tokened({"after": "a", "request": REQUEST}),
    tokened({"after": "a", "limit": 10, "request": REQUEST})[:-8],
]


@pytest.mark.parametrize("token", FOREIGN)
def test_token_that_is_none_of_ours_is_refused(token: str) -> None:
    with pytest.raises(InvalidInput, match=TOKEN_PARAMETER):
        read_token(token)


@pytest.mark.parametrize(
    ("header", "links"),
    [
        ('<https://a.test/x?t=1>; rel="next"', {"next": "https://a.test/x?t=1"}),
        ("<https://a.test/x>; rel=next", {"next": "https://a.test/x"}),
        ('<https://a.test/x>; title="y"; rel="prev"', {"previous": "https://a.test/x"}),
        ('<https://a.test/1>; rel="previous", <https://a.test/2>;rel="Next"', {"previous": 1, "next": 2}),
        ('<https://a.test/x>; rel="last"', {}),
        ("", {}),
        ("https://a.test/x; rel=next", {}),
        ("<" * 5000, {}),
    ],
)
def test_header_of_a_peer_is_read(header: str, links: dict[str, Any]) -> None:
    wanted = {rel: f"https://a.test/{it}" if isinstance(it, int) else it for rel, it in links.items()}
    assert linked_pages(header) == wanted


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ({"sortField": "name"}, "filter[0].sortField"),
        ({"filterExpression": [{"operandLeft": "id", "operator": "near"}]}, "filter[0].filterExpression[0].operator"),
        (
            {"filterExpression": [{"operandLeft": "id", "operator": "in", "operandRight": "x"}]},
            "filter[0].filterExpression[0].operandRight",
        ),
    ],
)
def test_filter_that_cannot_be_evaluated_is_refused_with_its_place(query: dict[str, Any], place: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_catalog_request({"@type": "CatalogRequestMessage", "filter": [{"@type": "QuerySpec", **query}]})
    assert [fault.path for fault in refused.value.faults] == [place]
