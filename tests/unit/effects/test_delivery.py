"""A delivery that is whole loses its access with the check; one that is not keeps it."""

from dataclasses import dataclass, field

import pytest

from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import Intent, IntentKind, JsonObject
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.effects.delivery import DeliveryCheck
from tests.unit.control_plane.processes import consumer_in

WORD: JsonObject = {"claim": "scheduled look"}
CHECK = Intent("check", IntentKind.VERIFY_DELIVERY, WORD)


@dataclass
class Withdrawal:
    """What withdraws access; `is_away`: the vault does not answer."""

    is_away: bool = False
    done: list[str] = field(default_factory=list[str])

    def __call__(self, process: TransferProcess, intent: Intent) -> JsonObject:
        if self.is_away:
            raise EffectFailed.because(FaultCode.VAULT_UNAVAILABLE, "the vault does not answer", retryable=True)
        self.done.append(process.id)
        return {"purge_at": None}


def checked(outcome: str, withdrawal: Withdrawal) -> JsonObject:
    found: JsonObject = {"outcome": outcome}
    check = DeliveryCheck(lambda process, intent: found, withdrawal)
    return check.check(consumer_in(TransferState.STARTED), CHECK)


def test_whole_delivery_loses_its_access_with_the_check() -> None:
    withdrawal = Withdrawal()
    assert checked("verified", withdrawal) == {**WORD, "outcome": "verified", "revoked": {"purge_at": None}}
    assert len(withdrawal.done) == 1


@pytest.mark.parametrize("outcome", ["absent", "unmarked", "mismatch", "slice"])
def test_delivery_that_is_not_whole_keeps_its_access(outcome: str) -> None:
    withdrawal = Withdrawal()
    assert checked(outcome, withdrawal) == {**WORD, "outcome": outcome}
    assert withdrawal.done == []


def test_withdrawal_that_fails_does_not_hide_the_delivery() -> None:
    assert checked("verified", Withdrawal(is_away=True)) == {**WORD, "outcome": "verified"}
