"""What we write is 2025-1 to the letter, and what we read of it is what was meant."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.domain.faults import Fault, InvalidInput
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import JsonObject
from ferry.domain.states import NegotiationState, TransferState
from ferry.protocol import envelope, negotiation_messages, transfer_messages
from ferry.protocol.envelope import PeerError, PeerProcess, read_error, read_process, read_versions, version_response
from ferry.protocol.messages import parse
from tests.unit.protocol.examples import AGREEMENT, CALLBACK, USE, faults, negotiation, pids, transfer
from tests.unit.protocol.strict import assert_strict

if TYPE_CHECKING:
    from ferry.domain.decision import Received

FAULT = Fault("SOURCE_BLOB_MISSING", "blob a.bin is gone", step=10)
BOTH = {"consumerPid": "pid-of-consumer", "providerPid": "pid-of-provider"}

WRITERS: dict[MessageKind, Callable[[str], JsonObject]] = {
    MessageKind.CONTRACT_REQUEST: lambda mid: negotiation_messages.contract_request(
        negotiation(), message_id=mid, callback_address=CALLBACK
    ),
    MessageKind.CONTRACT_OFFER: lambda mid: negotiation_messages.contract_offer(
        negotiation(Role.PROVIDER), message_id=mid
    ),
    MessageKind.CONTRACT_ACCEPTED: lambda mid: negotiation_messages.contract_event(
        negotiation(), MessageKind.CONTRACT_ACCEPTED, message_id=mid
    ),
    MessageKind.CONTRACT_AGREEMENT: lambda mid: negotiation_messages.contract_agreement(
        negotiation(Role.PROVIDER), AGREEMENT, message_id=mid
    ),
    MessageKind.CONTRACT_VERIFICATION: lambda mid: negotiation_messages.contract_verification(
        negotiation(), message_id=mid
    ),
    MessageKind.CONTRACT_FINALIZED: lambda mid: negotiation_messages.contract_event(
        negotiation(Role.PROVIDER), MessageKind.CONTRACT_FINALIZED, message_id=mid
    ),
    MessageKind.CONTRACT_TERMINATION: lambda mid: negotiation_messages.contract_termination(
        negotiation(), FAULT, message_id=mid
    ),
    MessageKind.TRANSFER_REQUEST: lambda mid: transfer_messages.transfer_request(
        transfer(), message_id=mid, callback_address=CALLBACK
    ),
    MessageKind.TRANSFER_START: lambda mid: transfer_messages.transfer_start(transfer(Role.PROVIDER), message_id=mid),
    MessageKind.TRANSFER_COMPLETION: lambda mid: transfer_messages.transfer_completion(
        transfer(Role.PROVIDER), message_id=mid
    ),
    MessageKind.TRANSFER_SUSPENSION: lambda mid: transfer_messages.transfer_suspension(
        transfer(), FAULT, message_id=mid
    ),
    MessageKind.TRANSFER_TERMINATION: lambda mid: transfer_messages.transfer_termination(
        transfer(), FAULT, message_id=mid
    ),
}


@pytest.mark.parametrize("kind", MessageKind)
def test_message_is_written_strictly_and_read_as_its_kind(kind: MessageKind) -> None:
    message = WRITERS[kind]("urn:uuid:m-1")

    received = parse(message, kind)

    assert_strict(message)
    assert (received.kind, received.message_id) == (kind, "urn:uuid:m-1")
    begins = kind in (MessageKind.CONTRACT_REQUEST, MessageKind.TRANSFER_REQUEST)
    wanted = {"consumerPid": "pid-of-consumer"} if begins else BOTH
    assert {name: received.content[name] for name in BOTH if name in received.content} == wanted


@given(faults, pids, pids)
def test_fault_and_pids_survive_a_termination(fault: Fault, own: str, other: str) -> None:
    process = replace(transfer(Role.PROVIDER), id=own, correlation_id=other)
    message = transfer_messages.transfer_termination(process, fault, message_id="m-1")

    content = parse(message).content

    assert_strict(message)
    assert {name: content[name] for name in ("code", "message", "retryable", "step")} == asdict(fault)
    assert (content["providerPid"], content["consumerPid"]) == (own, other)


def test_counter_offer_names_the_process_in_place_of_a_callback() -> None:
    message = negotiation_messages.contract_request(negotiation(), message_id="m-1")

    assert_strict(message)
    assert parse(message).content["providerPid"] == "pid-of-provider"


def test_first_offer_of_a_provider_has_a_callback() -> None:
    message = negotiation_messages.contract_offer(
        negotiation(Role.PROVIDER), message_id="m-1", callback_address=f"{CALLBACK}/"
    )

    assert_strict(message)
    assert parse(message).content["callbackAddress"] == CALLBACK


def test_agreement_and_policy_arrive_as_they_were_written() -> None:
    rule = {"action": "use", "constraint": [{"leftOperand": "purpose", "operator": "eq", "rightOperand": "research"}]}
    agreed = replace(AGREEMENT, policy={"@type": "Set", "permission": [rule], "prohibition": [], "obligation": []})
    message = negotiation_messages.contract_agreement(negotiation(Role.PROVIDER), agreed, message_id="m-1")

    said = parse(message).content["agreement"]

    assert_strict(message)
    assert isinstance(said, dict)
    assert negotiation_messages.policy_of(said) == {"permission": [rule]}
    assert (said["@id"], said["target"], said["timestamp"]) == ("agreement-1", "asset-1", "2026-03-04T05:06:07Z")


def test_agreement_about_an_offer_without_rules_has_none() -> None:
    agreed = replace(AGREEMENT, policy={"@type": "Set", "permission": []})
    message = negotiation_messages.contract_agreement(negotiation(Role.PROVIDER), agreed, message_id="m-1")

    said = parse(message).content["agreement"]

    assert isinstance(said, dict)
    assert negotiation_messages.written_policy(said) == {}


def test_offered_policy_without_a_rule_permits_use() -> None:
    assert negotiation_messages.offered_policy({"@type": "Set", "permission": []}) == USE
    assert negotiation_messages.offered_policy({"prohibition": [{"action": "use"}]}) == {
        "prohibition": [{"action": "use"}]
    }


@pytest.mark.parametrize("state", NegotiationState)
def test_negotiation_shows_a_state_of_the_protocol(state: NegotiationState) -> None:
    process = replace(negotiation(Role.PROVIDER), state=state)
    message = negotiation_messages.contract_negotiation(process)

    assert_strict(message)
    assert read_process(message) == PeerProcess("pid-of-consumer", "pid-of-provider", process.dsp_state)


@pytest.mark.parametrize("state", TransferState)
def test_transfer_shows_a_state_of_the_protocol(state: TransferState) -> None:
    process = replace(transfer(Role.PROVIDER), state=state)
    message = transfer_messages.transfer_process(process)

    assert_strict(message)
    assert read_process(message) == PeerProcess("pid-of-consumer", "pid-of-provider", process.dsp_state)


def test_errors_are_written_strictly_and_read() -> None:
    reasons = ["not now", "later"]
    errors = [
        envelope.catalog_error(404, reasons),
        envelope.negotiation_error(404, reasons, consumer_pid="c", provider_pid="p"),
        envelope.transfer_error(404, reasons, consumer_pid="c", provider_pid="p"),
    ]

    for error in errors:
        assert_strict(error)
        assert read_error(error) == PeerError("404", ("not now", "later"))
    assert "reason" in envelope.transfer_error(500, [])


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (None, PeerError("", ())),
        ({}, PeerError("", ())),
        ({"code": 401, "reason": "Unauthorized."}, PeerError("401", ("Unauthorized.",))),
        ([{"message": "no"}], PeerError("", ('{"message": "no"}',))),
        ({"dspace:code": "409", "dspace:reason": [{"@value": "no", "@language": "en"}]}, PeerError("409", ("no",))),
    ],
)
def test_foreign_errors_are_read(body: JsonObject | None, error: PeerError) -> None:
    assert read_error(body) == error


def test_versions_are_written_as_they_are_read() -> None:
    assert read_versions(version_response()) == {"2025-1": "/2025-1"}


def test_kind_that_was_not_expected_is_refused() -> None:
    message = WRITERS[MessageKind.CONTRACT_FINALIZED]("m-1")

    with pytest.raises(InvalidInput, match="FINALIZED is not for this side"):
        parse(message, MessageKind.CONTRACT_ACCEPTED)
    with pytest.raises(InvalidInput, match="must be TransferStartMessage"):
        parse(message, MessageKind.TRANSFER_START)
    with pytest.raises(InvalidInput, match="@type"):
        parse({"@type": "Nonsense"})


@given(st.dictionaries(st.sampled_from(["x", "edc:y", "z"]), st.text(max_size=5)), pids)
def test_digest_tells_content_apart_and_not_spelling_or_id(more: dict[str, str], message_id: str) -> None:
    one = {**WRITERS[MessageKind.TRANSFER_START]("m-1"), **more}
    again: JsonObject = {
        "dspace:" + key if key in BOTH else key: {"@id": value} if key in BOTH else value
        for key, value in reversed((one | {"@id": message_id}).items())
    }
    other = one | {"consumerPid": "somebody-else"}

    assert _digest(again) == _digest(one)
    assert _digest(other) != _digest(one)


def test_message_without_id_is_known_by_its_digest() -> None:
    message = {key: value for key, value in WRITERS[MessageKind.TRANSFER_START]("m-1").items() if key != "@id"}

    received = parse(message)

    assert received.message_id == received.digest
    assert parse(message | {"@id": "x" * 300}).message_id == received.digest


def _digest(message: JsonObject) -> str:
    received: Received = parse(message)
    return received.digest
