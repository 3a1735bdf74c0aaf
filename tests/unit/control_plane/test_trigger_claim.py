"""The blob trigger's news is left to a look that is about to come, and is enough alone where none is near (step 13)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.control_plane import consumer_decisions
from ferry.domain.decision import Claim, ClaimSource
from ferry.domain.process import IntentKind, ScheduledLook
from ferry.domain.states import TransferState
from tests.world.participants import make_pair


def is_checked(look_in_seconds: float | None, *, first_look_seconds: float = 2.0) -> bool:
    """Whether the trigger's news leads to a check, in a transfer that has just started."""
    pair = make_pair(FERRY_FIRST_LOOK_SECONDS=str(first_look_seconds))
    moment = pair.consumer.core.transfers.engine.moment()
    begun = consumer_decisions.initiate(pair.order(), moment)
    at = None if look_in_seconds is None else moment.now + timedelta(seconds=look_in_seconds)
    started = replace(begun, state=TransferState.STARTED, intents=(), look=ScheduledLook(1, at) if at else None)
    claimed = consumer_decisions.decide(started, Claim(ClaimSource.TRIGGER), moment).process
    return claimed.has_intent(IntentKind.VERIFY_DELIVERY)


def test_trigger_leaves_the_check_to_a_look_that_is_near() -> None:
    assert not is_checked(1.0)


@pytest.mark.parametrize("look_in_seconds", [None, -1.0, 30.0])
def test_trigger_is_enough_where_no_look_is_near(look_in_seconds: float | None) -> None:
    assert is_checked(look_in_seconds)


def test_trigger_is_enough_where_looks_are_set_to_come_late() -> None:
    assert is_checked(86400.0, first_look_seconds=86400.0)
