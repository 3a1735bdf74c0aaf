"""Tolerant reading: every spelling of the protocol comes out as the same plain JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.domain.faults import InvalidInput
from ferry.domain.process import Json
from ferry.protocol.reader import BODY_LIMIT_BYTES, DEPTH_LIMIT, load, read
from ferry.protocol.schema import check

PLAIN = {
    "@id": "m-1",
    "@type": "ContractAgreementMessage",
    "consumerPid": "c-1",
    "providerPid": "p-1",
    "agreement": {
        "@id": "a-1",
        "@type": "Agreement",
        "target": "asset-1",
        "assigner": "provider",
        "assignee": "consumer",
        "permission": [
            {"action": "use", "constraint": [{"leftOperand": "purpose", "operator": "eq", "rightOperand": "research"}]}
        ],
    },
}

OLD = {
    "@context": {"dspace": "https://w3id.org/dspace/v0.8/", "odrl": "http://www.w3.org/ns/odrl/2/"},
    "@id": "m-1",
    "@type": ["dspace:ContractAgreementMessage"],
    "dspace:consumerPid": {"@id": "c-1"},
    "https://w3id.org/dspace/2024/1/providerPid": [{"@value": "p-1"}],
    "dspace:agreement": [
        {
            "@id": "a-1",
            "@type": "odrl:Agreement",
            "odrl:target": {"@id": "asset-1"},
            "odrl:assigner": {"@id": "provider"},
            "odrl:assignee": "consumer",
            "odrl:permission": {
                "odrl:action": {"@id": "odrl:use"},
                "odrl:constraint": {
                    "odrl:leftOperand": {"@id": "odrl:purpose"},
                    "odrl:operator": {"@id": "http://www.w3.org/ns/odrl/2/eq"},
                    "odrl:rightOperand": {"@value": "research", "@type": "xsd:string"},
                },
            },
        }
    ],
}

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["@id", "@value", "@list", "@type", "dspace:state", "odrl:permission", "x"]) | st.text(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


def test_plain_message_is_read_as_it_is() -> None:
    assert read(PLAIN) == PLAIN


def test_old_spelling_is_read_like_the_plain_one() -> None:
    assert read(OLD) == PLAIN


def test_of_two_spellings_the_short_one_counts_wherever_it_stands() -> None:
    assert read({"edc:name": "prefixed", "name": "short"}) == {"name": "short"}
    assert read({"name": "short", "edc:name": "prefixed"}) == {"name": "short"}


def test_null_and_context_are_left_out() -> None:
    assert read({"@context": ["https://example.org"], "reason": None, "code": "1"}) == {"code": "1"}


def test_offer_that_is_only_an_id_stays_an_object() -> None:
    assert read({"offer": {"@id": "o-1"}}) == {"offer": {"@id": "o-1"}}


def test_names_of_properties_keep_their_spelling() -> None:
    address = {"endpointProperties": {"name": "https://w3id.org/edc/v0.0.1/ns/account", "value": "odrl:use"}}

    assert read(address) == {"endpointProperties": [address["endpointProperties"]]}


@pytest.mark.parametrize("body", ["text", 1, None, ["@type"], True])
def test_anything_but_an_object_is_refused(body: Json) -> None:
    with pytest.raises(InvalidInput, match="must be a JSON object"):
        read(body)


@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_nesting_is_read_to_the_limit_and_refused_beyond(brackets: str) -> None:
    def nested(levels: int) -> Json:
        value: Json = "leaf"
        for _ in range(levels - 1):
            value = [value] if brackets == "[]" else {"x": value}
        return {"x": value}

    read(nested(DEPTH_LIMIT - 1))
    with pytest.raises(InvalidInput, match="nested deeper than 32"):
        read(nested(DEPTH_LIMIT + 1))


@pytest.mark.parametrize("body", [{"state": "\ud800"}, {"\udfff": 1}, {"a": [{"b": "x\udc00"}]}])
def test_half_a_surrogate_pair_is_refused(body: Json) -> None:
    with pytest.raises(InvalidInput, match="surrogate"):
        read(body)


@given(_json)
def test_reading_what_was_read_changes_nothing_or_refuses(body: Json) -> None:
    once = read({"value of": body})

    assert json.loads(json.dumps(once)) == once


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"\xff\xfe",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":' + b"[" * 200_000,
        b" " * (BODY_LIMIT_BYTES + 1),
    ],
    ids=["empty", "cut", "list", "string", "no UTF-8", "NaN", "infinity", "too large", "digits", "deep", "long"],
)
def test_body_that_is_no_json_object_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        load(raw)


def test_body_is_loaded() -> None:
    assert load('{"a": ["ü", 1.5, true]}'.encode()) == {"a": ["ü", 1.5, True]}


def test_every_fault_is_listed_with_its_path_and_no_value() -> None:
    message = {
        "@type": "TransferRequestMessage",
        "consumerPid": "a/b",
        "callbackAddress": "ftp://example.org",
        "dataAddress": {"endpointProperties": [{"name": "secret", "value": ["hidden"]}, {"name": "container"}]},
    }

    with pytest.raises(InvalidInput) as refused:
        check("TransferRequestMessage", message)

    assert {fault.path for fault in refused.value.faults} == {
        "agreementId",
        "callbackAddress",
        "consumerPid",
        "dataAddress.endpointProperties[0].value",
        "dataAddress.endpointProperties[1].value",
        "dataAddress.endpointType",
        "format",
    }
    assert "hidden" not in str(refused.value)
