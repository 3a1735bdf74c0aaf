"""What the index rows of every ProcessStore do; a test module gives the fixture `store` and subclasses this."""

from datetime import datetime, timedelta

from ferry.ports.stores import IndexKind, IndexRow, Listed
from tests.contract.documents import NOW, ODD_IDS, a_transfer
from tests.contract.process_store_suite import Store


def due(process_id: str, seconds: float) -> IndexRow:
    """A row that is due so long after NOW."""
    return IndexRow(IndexKind.DUE, process_id, NOW + timedelta(seconds=seconds))


def listed(process_id: str, seconds: float) -> IndexRow:
    """A row of a process that was created so long after NOW."""
    return IndexRow(IndexKind.ALL, process_id, NOW + timedelta(seconds=seconds))


def rows_of(
    store: Store, kind: IndexKind, *, state: str = "", after: IndexRow | None = None, limit: int = 50
) -> tuple[IndexRow, ...]:
    """The rows of a list, without what they hold."""
    return tuple(it.row for it in store.listed(kind, state=state, after=after, limit=limit))


class IndexSuite:
    """Index rows."""

    def test_nothing_is_due_and_no_list_holds_anything_at_first(self, store: Store) -> None:
        assert list(store.due(datetime.max.replace(tzinfo=NOW.tzinfo) - timedelta(days=1), 10)) == []
        assert rows_of(store, IndexKind.ALL) == ()

    def test_rows_of_one_announcement_stand_in_their_lists(self, store: Store) -> None:
        rows = [
            due("p", 5),
            listed("p", 0),
            IndexRow(IndexKind.STATE, "p", NOW, "COMPLETED"),
            IndexRow(IndexKind.ALL, "p", NOW),
        ]

        store.announce(rows)

        assert list(store.due(NOW + timedelta(seconds=5), 10)) == rows[:1]
        assert rows_of(store, IndexKind.ALL) == (rows[1],)
        assert rows_of(store, IndexKind.STATE, state="COMPLETED") == (rows[2],)
        assert rows_of(store, IndexKind.STATE, state="TERMINATED") == ()
        assert rows_of(store, IndexKind.ALL) == (rows[3],)

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
        assert rows_of(store, IndexKind.ALL) == (listed("p", 0),)

        for _ in range(2):
            store.withdraw([listed("p", 0), due("p", 0)])
        assert rows_of(store, IndexKind.ALL) == ()

    def test_missing_rows_do_not_keep_others_from_being_withdrawn(self, store: Store) -> None:
        store.announce([listed("p", 0), listed("q", 0), due("p", 0)])

        store.withdraw([due("x", 1), listed("p", 0), due("y", 1), listed("z", 0), due("p", 0)])

        assert rows_of(store, IndexKind.ALL) == (listed("q", 0),)
        assert list(store.due(NOW, 10)) == []

    def test_nothing_can_be_announced_and_withdrawn(self, store: Store) -> None:
        store.announce([])
        store.withdraw([])

        assert rows_of(store, IndexKind.ALL) == ()

    def test_more_rows_than_one_request_holds_are_announced_and_withdrawn(self, store: Store) -> None:
        rows = [listed(f"p{number:03d}", number) for number in range(230)]

        store.announce(rows)
        assert rows_of(store, IndexKind.ALL, limit=500) == tuple(reversed(rows))

        store.withdraw([*rows, *rows[:3]])
        assert rows_of(store, IndexKind.ALL) == ()

    def test_row_named_twice_in_one_announcement_is_there_once(self, store: Store) -> None:
        store.announce([listed("p", 0), listed("p", 0), listed("q", 1)])

        assert rows_of(store, IndexKind.ALL) == (listed("q", 1), listed("p", 0))

    def test_pages_hold_every_row_once_newest_first(self, store: Store) -> None:
        rows = [
            IndexRow(IndexKind.STATE, f"p/{n}", NOW + timedelta(milliseconds=n // 2), "COMPLETED") for n in range(9)
        ]
        store.announce(rows)

        seen: list[IndexRow] = []
        sizes = list[int]()
        while found := rows_of(store, IndexKind.STATE, state="COMPLETED", after=seen[-1] if seen else None, limit=4):
            seen.extend(found)
            sizes.append(len(found))

        assert sizes == [4, 4, 1]
        assert sorted(seen, key=lambda row: row.process_id) == rows
        assert [row.at for row in seen] == sorted((row.at for row in rows), reverse=True)

    def test_newer_rows_do_not_shift_the_next_page(self, store: Store) -> None:
        store.announce([listed(f"p{n}", n) for n in range(4)])
        first = rows_of(store, IndexKind.ALL, limit=2)

        store.announce([listed("newest", 99)])
        store.withdraw([listed("p3", 3), listed("p2", 2)])

        second = rows_of(store, IndexKind.ALL, after=first[-1], limit=2)
        assert [row.process_id for row in second] == ["p1", "p0"]

    def test_row_of_another_list_says_where_to_go_on_as_well(self, store: Store) -> None:
        store.announce([IndexRow(IndexKind.STATE, f"p{n}", NOW + timedelta(seconds=n), "COMPLETED") for n in range(4)])

        found = rows_of(store, IndexKind.STATE, state="COMPLETED", after=listed("p2", 2))

        assert [row.process_id for row in found] == ["p1", "p0"]

    def test_rows_are_skipped_up_to_the_one_that_is_named(self, store: Store) -> None:
        store.announce([listed(f"p{n}", n) for n in range(4)])

        assert store.skip(IndexKind.ALL, count=1) == listed("p3", 3)
        assert store.skip(IndexKind.ALL, count=4) == listed("p0", 0)
        assert store.skip(IndexKind.ALL, count=5) is None
        assert store.skip(IndexKind.STATE, state="COMPLETED", count=1) is None

    def test_settled_process_is_listed_with_what_is_shown_of_it(self, store: Store) -> None:
        rows = [listed("p-1", 0), IndexRow(IndexKind.STATE, "p-1", NOW, "COMPLETED")]
        store.announce([rows[0], due("p-1", 5), listed("p-0", -1)])

        store.relist(a_transfer(), rows, [due("p-1", 5)])

        assert store.listed(IndexKind.ALL) == [Listed(rows[0], a_transfer()), Listed(listed("p-0", -1))]
        assert store.listed(IndexKind.STATE, state="COMPLETED") == [Listed(rows[1], a_transfer())]
        assert list(store.due(NOW + timedelta(days=1), 10)) == []

    def test_nothing_is_listed_where_the_first_row_that_is_to_go_is_not_there(self, store: Store) -> None:
        store.announce([listed("p-1", 0), due("p-1", 6)])

        store.relist(a_transfer(), [listed("p-1", 0)], [due("p-1", 5), due("p-1", 6)])

        assert store.listed(IndexKind.ALL) == [Listed(listed("p-1", 0))]
        assert list(store.due(NOW + timedelta(days=1), 10)) == [due("p-1", 6)]

    def test_other_rows_that_are_to_go_may_be_missing(self, store: Store) -> None:
        gone = [IndexRow(IndexKind.STATE, "p-1", NOW, state) for state in ("COMPLETED", "TERMINATED")]
        store.announce([due("p-1", 5), gone[1]])

        store.relist(a_transfer(), [listed("p-1", 0)], [due("p-1", 5), *gone])

        assert store.listed(IndexKind.ALL) == [Listed(listed("p-1", 0), a_transfer())]
        assert rows_of(store, IndexKind.STATE, state="TERMINATED") == ()

    def test_row_that_is_announced_again_holds_nothing_any_more(self, store: Store) -> None:
        store.announce([due("p-1", 5)])
        store.relist(a_transfer(), [listed("p-1", 0)], [due("p-1", 5)])

        store.announce([listed("p-1", 0), due("p-1", 7)])

        assert store.listed(IndexKind.ALL) == [Listed(listed("p-1", 0))]

    def test_summary_too_long_for_a_row_is_left_out(self, store: Store) -> None:
        store.announce([due("p-1", 5)])

        store.relist(a_transfer(delivered={"x": "y" * 70_000}), [listed("p-1", 0)], [due("p-1", 5)])

        assert store.listed(IndexKind.ALL) == [Listed(listed("p-1", 0))]

    def test_aged_rows_are_those_of_processes_created_by_then(self, store: Store) -> None:
        rows = [IndexRow(IndexKind.STATE, f"p-{n}", NOW + timedelta(seconds=n), "COMPLETED") for n in range(4)]
        other = IndexRow(IndexKind.STATE, "q", NOW, "TERMINATED")
        store.announce([*rows, other])
        assert list(store.aged("COMPLETED", NOW + timedelta(seconds=1), 10)) == [rows[1], rows[0]]
        assert list(store.aged("COMPLETED", NOW + timedelta(seconds=3), 2)) == [rows[3], rows[2]]
        assert list(store.aged("COMPLETED", NOW - timedelta(seconds=1), 10)) == []
