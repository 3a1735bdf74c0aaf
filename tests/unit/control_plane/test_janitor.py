"""The janitor finds what a crash has left, again and again, until somebody has looked after it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.control_plane import janitor
from ferry.domain.states import TransferState
from ferry.ports.stores import IndexKind, IndexRow
from tests.world.participants import Pair, make_pair


@pytest.fixture
def pair() -> Pair:
    """Two participants with an agreement."""
    return make_pair()


def begun(pair: Pair, process_id: str) -> str:
    """A transfer that was committed by a process which died before its first look left."""
    order = replace(pair.order(), process_id=process_id)
    return pair.consumer.core.transfers.initiate(order, inline_seconds=0).process.id


def round_of(pair: Pair) -> list[str]:
    """The transfers that one round of the consumer's janitor wants to be looked at; the looks are lost."""
    looks = janitor.Janitor(engine=pair.consumer.core.transfers.engine).round()
    return [look.process_id for look in looks]


def test_lost_looks_of_a_round_are_given_by_the_next_one_at_once(pair: Pair) -> None:
    wanted = {begun(pair, "t-1"), begun(pair, "t-2")}
    pair.world.clock.advance(21)
    assert set(round_of(pair)) == wanted
    assert set(round_of(pair)) == wanted


def test_young_transfer_is_left_to_whoever_has_begun_it(pair: Pair) -> None:
    begun(pair, "t-1")
    assert round_of(pair) == []


def test_more_than_a_round_can_visit_take_turns(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(janitor, "ROWS_PER_ROUND", 2)
    for number in range(3):
        begun(pair, f"t-{number}")
        pair.world.clock.advance(1)
    pair.world.clock.advance(20)
    assert round_of(pair) == ["t-0", "t-1"]
    assert round_of(pair) == ["t-2"]


def test_settled_transfer_is_not_looked_at_and_its_row_goes(pair: Pair) -> None:
    process_id = begun(pair, "t-1")
    pair.world.clock.advance(21)
    pair.consumer.emit(pair.consumer.dispatcher.janitor_round())
    pair.run()
    assert pair.transfer(process_id).state is TransferState.COMPLETED
    store = pair.consumer.core.outside.transfers
    store.announce([IndexRow(IndexKind.DUE, process_id, pair.world.clock.now() - timedelta(seconds=1))])
    assert round_of(pair) == []
    assert store.due(pair.world.clock.now() + timedelta(days=1), 10) == []
