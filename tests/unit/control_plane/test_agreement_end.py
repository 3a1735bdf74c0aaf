"""A transfer ends with its agreement: in every state that waits, on both sides, with that reason and no other."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.control_plane.agreement_end import agreement_end, expiry
from ferry.control_plane.rules import TransferRules
from ferry.domain.decision import Look
from ferry.domain.faults import FaultCode
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import IntentKind, JsonObject
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from tests.unit.control_plane.agreed import agreement
from tests.unit.control_plane.processes import (
    NOW,
    consumer_in,
    decided,
    done,
    kinds,
    messages,
    moment,
    provider_in,
    received,
)

END = NOW + timedelta(seconds=30)
WAITING: list[tuple[Callable[[TransferState], TransferProcess], TransferState]] = [
    (consumer_in, TransferState.PREPARATION_REQUESTED),
    (consumer_in, TransferState.REQUESTING),
    (consumer_in, TransferState.REQUESTED),
    (consumer_in, TransferState.STARTED),
    (consumer_in, TransferState.SUSPENDED),
    (provider_in, TransferState.INITIAL),
    (provider_in, TransferState.STARTING),
    (provider_in, TransferState.STARTED),
    (provider_in, TransferState.SUSPENDED),
]


def until(operator: str, right: str) -> JsonObject:
    constraint: JsonObject = {"leftOperand": "inForceDate", "operator": operator, "rightOperand": right}
    return {"permission": [{"action": "use", "constraint": [constraint]}]}


@pytest.mark.parametrize(("made", "state"), WAITING)
def test_transfer_that_waits_is_ended_at_the_first_look_past_the_end(
    made: Callable[[TransferState], TransferProcess], state: TransferState
) -> None:
    process = replace(made(state), agreement_ends_at=END)
    wanted = TransferRules().next_look_at(process, moment())
    assert wanted is not None
    assert wanted <= END
    assert decided(process, Look(), moment(29)).error is None

    ended = decided(process, Look(), moment(30))

    assert (ended.state, ended.error and ended.error.code) == (TransferState.TERMINATED, FaultCode.AGREEMENT_EXPIRED)
    assert ended.error is not None
    assert "agreement-1" in ended.error.message
    assert not ended.error.retryable
    if ended.correlation_id:
        assert messages(ended) == [MessageKind.TRANSFER_TERMINATION.value]


@pytest.mark.parametrize("state", [TransferState.COMPLETING, TransferState.COMPLETED, TransferState.DEPROVISIONED])
@pytest.mark.parametrize("made", [consumer_in, provider_in])
def test_what_is_delivered_already_is_not_ended(
    made: Callable[[TransferState], TransferProcess], state: TransferState
) -> None:
    process = replace(made(state), agreement_ends_at=END)
    assert decided(process, Look(), moment(31)).error is None
    own = replace(process, agreement_ends_at=None)
    assert TransferRules().next_look_at(process, moment()) == TransferRules().next_look_at(own, moment())


def test_data_flow_is_not_started_once_the_agreement_has_run_out() -> None:
    process = replace(provider_in(TransferState.INITIAL), agreement_ends_at=END)
    assert IntentKind.START_DATA_FLOW in kinds(decided(process, done(process, IntentKind.STORE_ADDRESS), moment(29)))
    ended = decided(process, done(process, IntentKind.STORE_ADDRESS), moment(30))
    assert ended.state is TransferState.TERMINATED
    assert IntentKind.START_DATA_FLOW not in kinds(ended)


def test_peers_start_after_the_end_is_answered_and_ends_the_transfer() -> None:
    process = replace(consumer_in(TransferState.REQUESTED), agreement_ends_at=END)
    ended = decided(process, received(MessageKind.TRANSFER_START, message_id="start"), moment(30))
    assert ended.error is not None
    assert ended.error.code == FaultCode.AGREEMENT_EXPIRED


def test_nothing_is_renewed_once_the_agreement_has_run_out() -> None:
    process = replace(consumer_in(TransferState.STARTED), agreement_ends_at=END)
    assert expiry(process, END - timedelta(microseconds=1)) is None
    assert expiry(process, END) is not None
    assert expiry(replace(process, agreement_ends_at=None), END) is None


def test_end_is_counted_from_the_signing_with_the_purpose_that_was_stated() -> None:
    agreed = replace(agreement(Role.CONSUMER), signed_at=NOW, policy=until("lt", "contractAgreement+1h"))
    assert agreement_end(agreed, "consumer", None, NOW) == NOW + timedelta(hours=1)
    assert agreement_end(replace(agreed, policy={}), "consumer", None, NOW) is None
    purpose: JsonObject = {"leftOperand": "purpose", "operator": "eq", "rightOperand": "research"}
    both: JsonObject = {"permission": [*_rules(agreed.policy), {"action": "use", "constraint": [purpose]}]}
    for stated, negotiated in ((None, "research"), ("research", None), ("research", "profit")):
        for_purpose = replace(agreed, policy=both, purpose=negotiated)
        assert agreement_end(for_purpose, "consumer", stated, NOW) == NOW + timedelta(hours=1)


def _rules(policy: JsonObject) -> list[JsonObject]:
    rules = policy["permission"]
    assert isinstance(rules, list)
    return [rule for rule in rules if isinstance(rule, dict)]
