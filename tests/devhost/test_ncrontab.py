"""Timer schedules: next occurrences of NCRONTAB expressions and time spans."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.devhost.errors import ScheduleError
from ferry.devhost.ncrontab import minimum_interval_seconds, parse_schedule

START = datetime(2026, 11, 23, 10, 30, 15)  # a Monday


@pytest.mark.parametrize(
    ("expression", "following"),
    [
        ("* * * * * *", datetime(2026, 11, 23, 10, 30, 16)),
        ("*/20 * * * * *", datetime(2026, 11, 23, 10, 30, 20)),
        ("15 30 10 * * *", datetime(2026, 11, 24, 10, 30, 15)),
        ("0 */5 * * * *", datetime(2026, 11, 23, 10, 35)),
        ("*/5 * * * *", datetime(2026, 11, 23, 10, 35)),
        ("0 0 9-17/4 * * *", datetime(2026, 11, 23, 13)),
        ("0 0 8,12,22 * * *", datetime(2026, 11, 23, 12)),
        ("0 5/20 * * * *", datetime(2026, 11, 23, 10, 45)),
        ("0 0 0 1 * *", datetime(2026, 12, 1)),
        ("0 0 0 31 * *", datetime(2026, 12, 31)),
        ("0 0 0 29 feb *", datetime(2028, 2, 29)),
        ("0 0 0 * Jan,Mar *", datetime(2027, 1, 1)),
        ("0 0 0 * * sun", datetime(2026, 11, 29)),
        ("0 0 0 * * 7", datetime(2026, 11, 29)),
        ("0 0 0 * * Tue-Thu", datetime(2026, 11, 24)),
        ("0 0 0 13 * 5", datetime(2027, 8, 13)),
        ("0 0 0 * * Saturday", datetime(2026, 11, 28)),
        ("00:00:30", datetime(2026, 11, 23, 10, 30, 45)),
        ("1.00:00:00", datetime(2026, 11, 24, 10, 30, 15)),
    ],
)
def test_next_occurrence_of(expression: str, following: datetime) -> None:
    assert parse_schedule(expression).next_after(START) == following


def test_day_that_never_comes_has_no_occurrence() -> None:
    assert parse_schedule("0 0 0 31 2 *").next_after(START) is None


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "* * * * * * *",
        "60 * * * * *",
        "* * 24 * * *",
        "* * * 0 * *",
        "* * * * 13 *",
        "* * * * * 8",
        "* * * * * noday",
        "10-5 * * * * *",
        "*/0 * * * * *",
        "*-3 * * * * *",
        "a * * * * *",
        "1,,2 * * * * *",
        "00:00:00",
        "25:61",
    ],
)
def test_expression_that_cannot_be_read_is_refused(expression: str) -> None:
    with pytest.raises(ScheduleError):
        parse_schedule(expression)


def test_minimum_interval_is_the_shortest_of_the_next_few() -> None:
    assert minimum_interval_seconds(parse_schedule("0,20,50 * * * * *"), START) == 10


@given(
    step=st.integers(1, 59),
    hour=st.integers(0, 23),
    moment=st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)),
)
def test_occurrences_ascend_and_fit_their_fields(step: int, hour: int, moment: datetime) -> None:
    schedule = parse_schedule(f"*/{step} * {hour} * * *")
    first = schedule.next_after(moment)
    assert first is not None
    second = schedule.next_after(first)
    assert second is not None
    assert moment < first < second
    assert (first.hour, first.second % step, first.microsecond) == (hour, 0, 0)
