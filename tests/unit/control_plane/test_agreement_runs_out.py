"""A transfer whose agreement runs out while it runs, from end to end: both sides end it, and say why."""

import pytest

from ferry.domain.contracts import PolicyDefinition
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import IntentKind, Json, JsonObject
from ferry.domain.states import TransferState
from tests.world.participants import STARTED_AT, Pair, make_pair, negotiated

HOUR: JsonObject = {"leftOperand": "edc:inForceDate", "operator": "lt", "rightOperand": "contractAgreement+1h"}
RESEARCH: JsonObject = {"leftOperand": "odrl:purpose", "operator": "odrl:eq", "rightOperand": "research"}


def pair_under(*constraints: Json, purpose: str | None = None) -> Pair:
    """Two participants with an agreement over asset-1 under these constraints, and copies that never get on."""
    pair = make_pair()
    policy: JsonObject = {"permission": [{"action": "use", "constraint": list(constraints)}]}
    outside = pair.provider.core.outside
    outside.policies.update("policy-1", PolicyDefinition("policy-1", STARTED_AT, policy))
    agreement = negotiated(pair, purpose=purpose).agreement
    pair.agreement_id = agreement.id if agreement else ""
    for side in pair.both:
        performers = dict(side.core.flows.engine.performers)
        performers[IntentKind.COPY] = _never
        side.core.flows.engine.performers = performers
    return pair


def _never(*_: object) -> JsonObject:
    raise EffectFailed.because(FaultCode.SOURCE_UNAVAILABLE, "the source is busy", retryable=True)


def begun(pair: Pair, **changes: object) -> str:
    """A transfer under way; the consumer's pid."""
    handled = pair.consumer.core.transfers.initiate(pair.order(**changes), inline_seconds=1)
    pair.consumer.emit(handled.looks)
    pair.run(seconds=30)
    return handled.process.id


def test_transfer_whose_agreement_runs_out_ends_on_both_sides_with_that_reason() -> None:
    pair = pair_under(HOUR)
    process_id = begun(pair)
    ours = pair.transfer(process_id)
    theirs = pair.provider.core.transfers.get(ours.provider_pid)
    assert (ours.state, theirs.state) == (TransferState.STARTED, TransferState.STARTED)
    assert ours.agreement_ends_at is not None
    assert theirs.agreement_ends_at is not None

    pair.run(seconds=3700)

    for process in (pair.transfer(process_id), pair.provider.core.transfers.get(ours.provider_pid)):
        assert process.state is TransferState.TERMINATED
        assert process.error is not None
        assert process.error.code == FaultCode.AGREEMENT_EXPIRED
        ended = next(entry for entry in process.history if entry.state == TransferState.TERMINATED.value)
        assert 0 <= (ended.at - theirs.agreement_ends_at).total_seconds() < 30


def test_agreement_that_has_run_out_starts_no_transfer() -> None:
    pair = pair_under(HOUR)
    pair.world.clock.advance(3601)

    ended = pair.transfer(begun(pair))

    assert ended.state is TransferState.TERMINATED
    assert ended.error is not None
    assert ended.error.code == FaultCode.POLICY_VIOLATED
    assert "inForceDate" in ended.error.message


@pytest.mark.parametrize(("stated", "state"), [("research", TransferState.STARTED), (None, None), ("profit", None)])
def test_purpose_that_is_stated_for_the_contract_decides_about_it(
    stated: str | None, state: TransferState | None
) -> None:
    pair = pair_under(RESEARCH, purpose=stated)
    assert bool(pair.agreement_id) is (state is not None)
    if state is not None:
        process = pair.transfer(begun(pair))
        assert process.state is state
        assert process.error is None


def test_transfer_for_another_purpose_than_the_contracts_is_refused() -> None:
    pair = pair_under(RESEARCH, purpose="research")
    ended = pair.transfer(begun(pair, purpose="profit"))
    assert ended.error is not None
    assert ended.error.code == FaultCode.POLICY_VIOLATED
    assert "purpose eq research" in ended.error.message
