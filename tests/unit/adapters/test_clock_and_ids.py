"""Clocks and names."""

import re
from datetime import UTC, datetime, timedelta

from ferry.adapters.clock import SystemClock, VirtualClock
from ferry.adapters.ids import RandomIds, SequentialIds

CONTAINER_NAME = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")


def test_virtual_clock_moves_only_when_told() -> None:
    clock = VirtualClock(datetime(2026, 1, 1, tzinfo=UTC))

    clock.sleep(0.5)
    clock.advance(1.5)
    clock.advance_to(datetime(2025, 1, 1, tzinfo=UTC))

    assert clock.now() == datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=2)


def test_system_clock_gives_utc() -> None:
    clock = SystemClock()
    before = clock.now()
    clock.sleep(0.001)

    assert before < clock.now()
    assert before.tzinfo is UTC


def test_names_are_fit_for_containers_and_differ() -> None:
    for ids in (RandomIds(), SequentialIds("c")):
        names = [ids.fresh() for _ in range(100)]

        assert len(set(names)) == 100
        assert all(CONTAINER_NAME.fullmatch(name) for name in names)


def test_sequential_names_can_be_foretold() -> None:
    assert [SequentialIds("c").fresh() for _ in range(2)] == ["c-0001", "c-0001"]
