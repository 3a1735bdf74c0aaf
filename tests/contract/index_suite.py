"""What the index rows of every ProcessStore do; a test module gives the fixture `store` and subclasses this."""

from datetime import datetime, timedelta

import pytest

from ferry.domain.faults import InvalidInput
from ferry.ports.stores import IndexKind, IndexRow
from tests.contract.documents import NOW, ODD_IDS
from tests.contract.process_store_suite import Store


def due(process_id: str, seconds: float) -> IndexRow:
    """A row that is due so long after NOW."""
    return IndexRow(IndexKind.DUE, process_id, NOW + timedelta(seconds=seconds))


def listed(process_id: str, seconds: float) -> IndexRow:
    """A row of a process that was created so long after NOW."""
    return IndexRow(IndexKind.ALL, process_id, NOW + timedelta(seconds=seconds))


class IndexSuite:
    """Index rows."""

    def test_nothing_is_due_and_no_list_holds_anything_at_first(self, store: Store) -> None:
        assert list(store.due(datetime.max.replace(tzinfo=NOW.tzinfo) - timedelta(days=1), 10)) == []
        assert store.rows(IndexKind.ALL).rows == ()

    def test_rows_of_one_announcement_stand_in_their_lists(self, store: Store) -> None:
        rows = [
            due("p", 5),
            listed("p", 0),
            IndexRow(IndexKind.STATE, "p", NOW, "COMPLETED"),
            IndexRow(IndexKind.ALL, "p", NOW),
        ]

        store.announce(rows)

        assert list(store.due(NOW + timedelta(seconds=5), 10)) == rows[:1]
        assert store.rows(IndexKind.ALL).rows == (rows[1],)
        assert store.rows(IndexKind.STATE, state="COMPLETED").rows == (rows[2],)
        assert store.rows(IndexKind.STATE, state="TERMINATED").rows == ()
        assert store.rows(IndexKind.ALL).rows == (rows[3],)

    def test_what_is_due_comes_earliest_first_and_up_to_the_limit(self, store: Store) -> None:
        store.announce([due("late", 30), due("now", 0), due("soon", 0.000001), due("early", -5)])

        assert [row.process_id for row in store.due(NOW, 10)] == ["early", "now"]
        assert [row.process_id for row in store.due(NOW + timedelta(minutes=1), 3)] == ["early", "now", "soon"]

    def test_row_that_was_read_can_be_withdrawn(self, store: Store) -> None:
        store.announce([due(process_id, 0.123456) for process_id in ODD_IDS[:-1]])

        read = store.due(NOW + timedelta(seconds=1), 10)
        assert sorted(row.process_id for row in read) == sorted(ODD_IDS[:-1])
        store.withdraw(read)

        assert list(store.due(NOW + timedelta(seconds=1), 10)) == []

    def test_row_can_be_announced_and_withdrawn_twice(self, store: Store) -> None:
        for _ in range(2):
            store.announce([listed("p", 0), due("p", 0)])
        assert store.rows(IndexKind.ALL).rows == (listed("p", 0),)

        for _ in range(2):
            store.withdraw([listed("p", 0), due("p", 0)])
        assert store.rows(IndexKind.ALL).rows == ()

    def test_missing_rows_do_not_keep_others_from_being_withdrawn(self, store: Store) -> None:
        store.announce([listed("p", 0), listed("q", 0), due("p", 0)])

        store.withdraw([due("x", 1), listed("p", 0), due("y", 1), listed("z", 0), due("p", 0)])

        assert store.rows(IndexKind.ALL).rows == (listed("q", 0),)
        assert list(store.due(NOW, 10)) == []

    def test_nothing_can_be_announced_and_withdrawn(self, store: Store) -> None:
        store.announce([])
        store.withdraw([])

        assert store.rows(IndexKind.ALL).rows == ()

    def test_more_rows_than_one_request_holds_are_announced_and_withdrawn(self, store: Store) -> None:
        rows = [listed(f"p{number:03d}", number) for number in range(230)]

        store.announce(rows)
        assert store.rows(IndexKind.ALL, limit=500).rows == tuple(reversed(rows))

        store.withdraw([*rows, *rows[:3]])
        assert store.rows(IndexKind.ALL).rows == ()

    def test_row_named_twice_in_one_announcement_is_there_once(self, store: Store) -> None:
        store.announce([listed("p", 0), listed("p", 0), listed("q", 1)])

        assert store.rows(IndexKind.ALL).rows == (listed("q", 1), listed("p", 0))

    def test_pages_hold_every_row_once_newest_first(self, store: Store) -> None:
        rows = [
            IndexRow(IndexKind.STATE, f"p/{n}", NOW + timedelta(milliseconds=n // 2), "COMPLETED") for n in range(9)
        ]
        store.announce(rows)

        seen: list[IndexRow] = []
        cursor, sizes = None, list[int]()
        while True:
            page = store.rows(IndexKind.STATE, state="COMPLETED", after=cursor, limit=4)
            seen.extend(page.rows)
            sizes.append(len(page.rows))
            cursor = page.next_cursor
            if cursor is None:
                break

        assert sizes == [4, 4, 1]
        assert sorted(seen, key=lambda row: row.process_id) == rows
        assert [row.at for row in seen] == sorted((row.at for row in rows), reverse=True)

    def test_full_last_page_has_no_cursor(self, store: Store) -> None:
        store.announce([listed("p", 0), listed("q", 1)])

        assert store.rows(IndexKind.ALL, limit=2).next_cursor is None

    def test_newer_rows_do_not_shift_the_next_page(self, store: Store) -> None:
        store.announce([listed(f"p{n}", n) for n in range(4)])
        first = store.rows(IndexKind.ALL, limit=2)

        store.announce([listed("newest", 99)])
        store.withdraw([listed("p3", 3), listed("p2", 2)])

        second = store.rows(IndexKind.ALL, after=first.next_cursor, limit=2)
        assert [row.process_id for row in second.rows] == ["p1", "p0"]

    def test_foreign_cursor_is_refused(self, store: Store) -> None:
        with pytest.raises(InvalidInput, match="cursor"):
            store.rows(IndexKind.ALL, after="' or true")

    def test_aged_rows_are_those_of_processes_created_by_then(self, store: Store) -> None:
        rows = [IndexRow(IndexKind.STATE, f"p-{n}", NOW + timedelta(seconds=n), "COMPLETED") for n in range(4)]
        other = IndexRow(IndexKind.STATE, "q", NOW, "TERMINATED")
        store.announce([*rows, other])
        assert list(store.aged("COMPLETED", NOW + timedelta(seconds=1), 10)) == [rows[1], rows[0]]
        assert list(store.aged("COMPLETED", NOW + timedelta(seconds=3), 2)) == [rows[3], rows[2]]
        assert list(store.aged("COMPLETED", NOW - timedelta(seconds=1), 10)) == []
