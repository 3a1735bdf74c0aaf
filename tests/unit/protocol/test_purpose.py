"""The purpose of a request: how it travels, how it is read, and that nothing else of the wire changes by it."""

from dataclasses import replace

import pytest

from ferry.domain.data_address import EDC_NAMESPACE
from ferry.domain.faults import InvalidInput
from ferry.domain.process import Json, JsonObject
from ferry.protocol.messages import parse, read_transfer_request
from ferry.protocol.negotiation_messages import contract_request, policy_of
from ferry.protocol.purpose import PURPOSE_LIMIT, stated_purpose
from ferry.protocol.reader import objects_in, read
from ferry.protocol.transfer_messages import transfer_request
from tests.unit.protocol.examples import negotiation, transfer
from tests.unit.protocol.strict import assert_strict

CALLBACK = "https://consumer.example/api/dsp/2025-1/consumer"


def test_purpose_of_a_contract_request_survives_the_wire() -> None:
    stating = replace(negotiation(), purpose="research")
    message = contract_request(stating, message_id="urn:uuid:1", callback_address=CALLBACK)
    assert_strict(message)
    assert parse(message).content["purpose"] == "research"


def test_purpose_of_a_transfer_request_survives_the_wire() -> None:
    message = transfer_request(
        replace(transfer(), purpose="research"), message_id="urn:uuid:1", callback_address=CALLBACK
    )
    assert_strict(message)
    assert read_transfer_request(message).purpose == parse(message).content["purpose"] == "research"


def test_request_that_states_nothing_says_nothing_of_it() -> None:
    requests = (
        contract_request(negotiation(), message_id="urn:uuid:1", callback_address=CALLBACK),
        transfer_request(transfer(), message_id="urn:uuid:1", callback_address=CALLBACK),
    )
    for message in requests:
        assert "purpose" not in str(message)
        assert "purpose" not in parse(message).content


@pytest.mark.parametrize("name", ["purpose", "edc:purpose", f"{EDC_NAMESPACE}purpose"])
@pytest.mark.parametrize("value", ["research", ["research"], {"@value": "research"}, [{"@value": "research"}]])
def test_purpose_is_read_in_every_spelling(name: str, value: Json) -> None:
    assert stated_purpose(read({name: value})) == "research"


@pytest.mark.parametrize("value", [None, "", []])
def test_purpose_that_is_empty_is_none(value: Json) -> None:
    assert stated_purpose({"purpose": value}) is None


@pytest.mark.parametrize("value", [7, True, ["a", "b"], {"a": "b"}, "x" * (PURPOSE_LIMIT + 1)])
def test_purpose_that_is_no_short_text_is_refused(value: Json) -> None:
    with pytest.raises(InvalidInput, match="purpose"):
        stated_purpose({"purpose": value})


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (f"{EDC_NAMESPACE}inForceDate", f"{EDC_NAMESPACE}inForceDate"),
        ("edc:inForceDate", f"{EDC_NAMESPACE}inForceDate"),
        ({"@id": "edc:region"}, f"{EDC_NAMESPACE}region"),
        ("odrl:purpose", "purpose"),
        ("http://www.w3.org/ns/odrl/2/dateTime", "dateTime"),
        ("https://example.org/policy/Membership", "https://example.org/policy/Membership"),
    ],
)
def test_operand_comes_back_to_its_owner_as_it_knows_it(sent: Json, kept: str) -> None:
    constraint: JsonObject = {"odrl:leftOperand": sent, "odrl:operator": {"@id": "odrl:eq"}, "odrl:rightOperand": "x"}
    offer = read({"odrl:permission": {"odrl:action": "odrl:use", "odrl:constraint": constraint}})
    asked = replace(negotiation(), policy=policy_of(offer))
    written = contract_request(asked, message_id="urn:uuid:1", callback_address=CALLBACK)["offer"]
    assert isinstance(written, dict)
    (rule,) = objects_in(written["permission"])
    assert objects_in(rule["constraint"]) == [{"leftOperand": kept, "operator": "eq", "rightOperand": "x"}]
