"""Criteria: operands are found by any of their spellings, operators do what EDC's do."""

import time
from collections.abc import Iterator

import pytest

from ferry.domain.contracts import Criterion
from ferry.domain.criteria import check_criteria, matches, property_value, select, wanted_id
from ferry.domain.faults import InvalidInput
from ferry.domain.process import Json, JsonObject

NS = "https://w3id.org/edc/v0.0.1/ns/"
ASSET: JsonObject = {
    "id": "asset-1",
    "access_policy_id": "p1",
    "properties": {
        "name": "Rivers of Europe",
        f"{NS}contenttype": "text/csv",
        "http://purl.org/dc/terms/title": {"@value": "Rivers"},
        "size": 12,
        "open": True,
        "keywords": ["water", "maps"],
        "publisher": {"name": "Agency", "https://example.com/ns/city.name": "Oslo"},
        "parts": [{"kind": "a"}, {"kind": "b"}],
    },
    "private_properties": {"owner": "me"},
}


@pytest.mark.parametrize(
    ("operand", "value"),
    [
        ("id", "asset-1"),
        ("@id", "asset-1"),
        (f"{NS}id", "asset-1"),
        ("accessPolicyId", "p1"),
        (f"{NS}accessPolicyId", "p1"),
        ("properties.name", "Rivers of Europe"),
        ("name", "Rivers of Europe"),
        (f"{NS}name", "Rivers of Europe"),
        (f"properties.'{NS}name'", "Rivers of Europe"),
        ("contenttype", "text/csv"),
        ("edc:contenttype", "text/csv"),
        (f"{NS}contenttype", "text/csv"),
        ("http://purl.org/dc/terms/title", "Rivers"),
        ("properties.http://purl.org/dc/terms/title", "Rivers"),
        ("properties.publisher.name", "Agency"),
        ("publisher.'https://example.com/ns/city.name'", "Oslo"),
        ("publisher.https://example.com/ns/city.name", "Oslo"),
        ("parts.kind", ["a", "b"]),
        ("privateProperties.owner", "me"),
        ("owner", "me"),
        ("nowhere", None),
        ("name.first", None),
        ("'unclosed", None),
    ],
)
def test_operand_is_found_by_any_spelling(operand: str, value: Json) -> None:
    assert property_value(ASSET, operand) == value


@pytest.mark.parametrize(
    ("left", "operator", "right", "expected"),
    [
        ("id", "=", "asset-1", True),
        ("id", "=", "asset-2", False),
        ("size", "=", 12.0, True),
        ("size", "=", "12", False),
        ("open", "=", True, True),
        ("open", "=", 1, False),
        ("keywords", "=", "water", True),
        ("nowhere", "=", None, True),
        ("id", "!=", "asset-2", True),
        ("keywords", "!=", "water", False),
        ("nowhere", "!=", "x", True),
        ("id", "in", ["asset-1", "asset-2"], True),
        ("id", "IN", ["asset-2"], False),
        ("id", "not in", ["asset-2"], True),
        ("nowhere", "in", [None], False),
        ("name", "like", "Rivers%", True),
        ("name", "like", "rivers%", False),
        ("name", "like", "%of%", True),
        ("name", "like", "River_ of Europe", True),
        ("name", "like", "River", False),
        ("name", "like", "%Asia%", False),
        ("name", "ilike", "%EUROPE", True),
        ("open", "like", "tr%", True),
        ("keywords", "like", "wat%", True),
        ("keywords", "ilike", "WAT%", True),
        ("nowhere", "like", "%", False),
        ("publisher", "like", "%", False),
        ("name", "like", 5, False),
        ("keywords", "contains", "maps", True),
        ("keywords", "contains", "map", False),
        ("name", "contains", "Rivers", False),
        ("size", "<", 13, True),
        ("size", "<=", 12, True),
        ("size", ">", 12, False),
        ("size", ">=", 12.5, False),
        ("name", ">", "Q", True),
        ("name", "<", 5, False),
        ("open", "<", 2, False),
        ("nowhere", "<", 2, False),
    ],
)
def test_operator_does_what_it_says(left: str, operator: str, right: Json, expected: bool) -> None:
    assert matches([Criterion(left, operator, right)], ASSET) is expected


def test_all_criteria_must_be_met() -> None:
    both = [Criterion("id", "=", "asset-1"), Criterion("size", ">", 100)]

    assert not matches(both, ASSET)
    assert matches(both[:1], ASSET)
    assert matches([], ASSET)


def test_pattern_with_many_wildcards_is_matched_in_reasonable_time() -> None:
    started = time.perf_counter()

    assert not matches([Criterion("name", "like", "%a" * 30 + "b")], {"name": "a" * 2000})
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("operand", ["x" * 257, ".".join("x" * 18), "." * 40_000])
def test_operand_that_costs_too_much_is_refused_untold(operand: str) -> None:
    check_criteria([Criterion("x" * 256, "=", 1), Criterion(".".join("x" * 17), "=", 1)])
    with pytest.raises(InvalidInput) as caught:
        check_criteria([Criterion(operand, "=", 1)])
    (fault,) = caught.value.faults
    assert (fault.path, fault.value) == ("filterExpression[0].operandLeft", None)
    assert "256 characters" in fault.message


def test_unknown_operator_is_refused_with_its_path() -> None:
    wrong = [Criterion("id", "=", "x"), Criterion("", "~", 1), Criterion("id", "in", "x")]

    with pytest.raises(InvalidInput) as caught:
        check_criteria(wrong)

    assert [fault.path for fault in caught.value.faults] == [
        "filterExpression[1].operandLeft",
        "filterExpression[1].operator",
        "filterExpression[2].operandRight",
    ]
    with pytest.raises(InvalidInput):
        matches(wrong[1:], ASSET)


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ([Criterion("id", "=", "a")], "a"),
        ([Criterion(f"{NS}id", "=", "a")], "a"),
        ([Criterion("@id", "=", "a")], "a"),
        ([Criterion("id", "!=", "a")], None),
        ([Criterion("id", "=", 5)], None),
        ([Criterion("name", "=", "a")], None),
        ([Criterion("id", "=", "a"), Criterion("id", "=", "b")], None),
        ([], None),
    ],
)
def test_single_id_is_recognised(criteria: list[Criterion], expected: str | None) -> None:
    assert wanted_id(criteria) == expected


def test_select_takes_no_more_than_the_page_needs() -> None:
    seen: list[int] = []

    def documents() -> list[tuple[int, JsonObject]]:
        return [(number, {"even": number % 2 == 0}) for number in range(100)]

    def watched() -> Iterator[tuple[int, JsonObject]]:
        for number, json in documents():
            seen.append(number)
            yield number, json

    assert select(watched(), [Criterion("even", "=", True)], 2, 3) == [4, 6, 8]
    assert seen[-1] == 8
