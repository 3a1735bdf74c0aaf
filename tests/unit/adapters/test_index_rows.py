"""Index rows as keys: reversible to the microsecond, in the order in which they are read."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.adapters.index_rows import due_end, list_prefix, parse_row_key, prefix_end, row_key, start_of
from ferry.domain.faults import InvalidInput
from ferry.ports.stores import IndexKind, IndexRow

NOW = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
_times = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))
_ids = st.text(min_size=1, max_size=20)
_rows = st.builds(IndexRow, st.sampled_from([IndexKind.DUE, IndexKind.ALL]), _ids, _times) | st.builds(
    IndexRow, st.just(IndexKind.STATE), _ids, _times, st.sampled_from(["COMPLETED", "TERMINATED"])
)


@given(_rows)
def test_row_is_read_back_as_it_was_written(row: IndexRow) -> None:
    assert parse_row_key(row_key(row)) == row


@given(_times, _times, _ids)
def test_due_rows_are_ordered_by_time_and_lists_by_age(first: datetime, second: datetime, process_id: str) -> None:
    def keys(kind: IndexKind) -> tuple[str, str]:
        return row_key(IndexRow(kind, process_id, first)), row_key(IndexRow(kind, process_id, second))

    due, live = keys(IndexKind.DUE), keys(IndexKind.ALL)
    assert (due[0] < due[1]) is (first < second)
    assert (live[0] < live[1]) is (first > second)


@given(_times, _times, _ids)
def test_due_end_parts_what_is_due_from_what_is_not(at: datetime, until: datetime, process_id: str) -> None:
    key = row_key(IndexRow(IndexKind.DUE, process_id, at))

    assert (key < due_end(until)) is (at <= until)


def test_state_without_limits_of_its_own_does_not_reach_into_another() -> None:
    prefix = list_prefix(IndexKind.STATE, "COMPLETED")
    inside = row_key(IndexRow(IndexKind.STATE, "~", NOW, "COMPLETED"))
    outside = row_key(IndexRow(IndexKind.STATE, "a", NOW, "COMPLETED2"))

    assert prefix < inside < prefix_end(prefix)
    assert not prefix < outside < prefix_end(prefix)


def test_list_goes_on_behind_any_row_of_the_process() -> None:
    row = IndexRow(IndexKind.STATE, "p/1", NOW, "COMPLETED")

    assert start_of(IndexKind.STATE, "COMPLETED", None) == list_prefix(IndexKind.STATE, "COMPLETED")
    assert start_of(IndexKind.STATE, "COMPLETED", row) == row_key(row)
    assert start_of(IndexKind.ALL, "", row) == row_key(IndexRow(IndexKind.ALL, "p/1", NOW))


def test_id_that_could_not_be_read_back_is_refused() -> None:
    with pytest.raises(InvalidInput, match="900 characters are too many"):
        row_key(IndexRow(IndexKind.ALL, "x" * 900, NOW))
