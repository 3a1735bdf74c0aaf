"""What every ProcessStore does; a test module gives the fixture `store` and subclasses this."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from ferry.domain.codec import from_json
from ferry.domain.faults import AlreadyExists, CommitConflict
from ferry.domain.process import HISTORY_LIMIT, HistoryEntry
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.stores import ProcessStore, Record
from tests.contract.documents import ODD_IDS, a_transfer, lines

type Store = ProcessStore[TransferProcess]


def whole_history(store: Store, process: TransferProcess) -> list[HistoryEntry]:
    """The lines that have left the document, and those that have not."""
    return [*(from_json(HistoryEntry, line) for line in store.history(process.id)), *process.history]


class ProcessStoreSuite:
    """Documents."""

    def test_unknown_process_is_none(self, store: Store) -> None:
        assert store.load("nobody") is None

    def test_inserted_process_is_loaded_with_its_etag(self, store: Store) -> None:
        inserted = store.insert(a_transfer())

        assert store.load("p-1") == inserted == Record(a_transfer(), inserted.etag)

    @pytest.mark.parametrize("process_id", ODD_IDS)
    def test_odd_id_names_one_process(self, store: Store, process_id: str) -> None:
        record = store.insert(a_transfer(process_id))
        store.insert(a_transfer(f"{process_id}2"))

        record = store.replace(record, a_transfer(process_id, operation_id="op-2", history=lines(0, HISTORY_LIMIT + 1)))
        assert store.load(process_id) == record
        assert len(whole_history(store, record.document)) == HISTORY_LIMIT + 1

        store.delete(process_id)
        assert store.load(process_id) is None
        assert store.load(f"{process_id}2") is not None

    def test_document_of_500_kilobytes_is_kept(self, store: Store) -> None:
        process = a_transfer(delivered={"names": ["日本" * 10_000] * 8, "tail": "\x00\ud83d'\""})

        record = store.replace(store.insert(process), replace(process, operation_id="op-2"))

        assert store.load("p-1") == record
        assert record.document.delivered == process.delivered

    def test_shorter_document_leaves_nothing_of_a_longer_one(self, store: Store) -> None:
        record = store.insert(a_transfer(delivered={"names": "x" * 200_000}))

        store.replace(record, a_transfer(operation_id="op-2"))

        loaded = store.load("p-1")
        assert loaded is not None
        assert loaded.document == a_transfer(operation_id="op-2")

    def test_document_does_not_change_with_what_was_stored(self, store: Store) -> None:
        delivered: dict[str, Any] = {"blobs": 1}
        store.insert(a_transfer(delivered=delivered))

        delivered["blobs"] = 2

        loaded = store.load("p-1")
        assert loaded is not None
        assert loaded.document.delivered == {"blobs": 1}

    def test_insert_whose_reply_was_lost_succeeds_when_repeated(self, store: Store) -> None:
        first = store.insert(a_transfer())

        assert store.insert(a_transfer()) == first

    @pytest.mark.parametrize("operation_id", ["op-2", ""])
    def test_insert_by_another_operation_is_refused(self, store: Store, operation_id: str) -> None:
        first = store.insert(a_transfer())

        with pytest.raises(AlreadyExists, match="p-1"):
            store.insert(a_transfer(operation_id=operation_id))

        assert store.load("p-1") == first

    def test_replaced_process_can_be_replaced_again(self, store: Store) -> None:
        record = store.insert(a_transfer())

        for number in range(2, 5):
            changed = replace(record.document, operation_id=f"op-{number}", revision=number)
            record = store.replace(record, changed)
            assert record.document == changed
            assert store.load("p-1") == record

    def test_replace_of_a_stale_record_is_a_conflict(self, store: Store) -> None:
        stale = store.insert(a_transfer())
        winner = store.replace(stale, a_transfer(operation_id="op-2", state=TransferState.STARTED))

        with pytest.raises(CommitConflict, match="p-1"):
            store.replace(stale, a_transfer(operation_id="op-3", state=TransferState.TERMINATED))

        assert store.load("p-1") == winner

    def test_replace_whose_reply_was_lost_succeeds_when_repeated(self, store: Store) -> None:
        record = store.insert(a_transfer())
        changed = a_transfer(operation_id="op-2", state=TransferState.STARTED)
        committed = store.replace(record, changed)

        assert store.replace(record, changed) == committed

    @pytest.mark.parametrize("operation_id", ["op-1", ""])
    def test_operation_id_that_is_not_new_proves_nothing(self, store: Store, operation_id: str) -> None:
        stale = store.insert(a_transfer(operation_id=operation_id))
        store.replace(stale, a_transfer(operation_id=operation_id, state=TransferState.STARTED))

        with pytest.raises(CommitConflict):
            store.replace(stale, a_transfer(operation_id=operation_id, state=TransferState.TERMINATED))

    def test_replace_of_a_deleted_process_is_a_conflict(self, store: Store) -> None:
        record = store.insert(a_transfer())
        store.delete("p-1")

        with pytest.raises(CommitConflict):
            store.replace(record, a_transfer(operation_id="op-2"))

        assert store.load("p-1") is None

    def test_of_racing_writers_one_wins(self, store: Store) -> None:
        record = store.insert(a_transfer())

        def write(number: int) -> bool:
            try:
                store.replace(record, a_transfer(operation_id=f"racer-{number}", revision=number))
            except CommitConflict:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            won = [number for number, wins in enumerate(pool.map(write, range(8))) if wins]

        loaded = store.load("p-1")
        assert loaded is not None
        assert [loaded.document.revision] == won

    def test_of_racing_creators_one_wins(self, store: Store) -> None:
        def create(number: int) -> bool:
            try:
                store.insert(a_transfer(operation_id=f"racer-{number}"))
            except AlreadyExists:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(create, range(8))) == 1

    def test_missing_process_can_be_deleted(self, store: Store) -> None:
        store.delete("nobody")
        store.insert(a_transfer())
        store.delete("p-1")
        store.delete("p-1")

        assert store.load("p-1") is None

    def test_history_up_to_the_limit_stays_in_the_document(self, store: Store) -> None:
        record = store.insert(a_transfer(history=lines(0, HISTORY_LIMIT)))

        assert len(record.document.history) == HISTORY_LIMIT
        assert list(store.history("p-1")) == []

    def test_history_that_overflows_keeps_every_line_in_order(self, store: Store) -> None:
        record = store.insert(a_transfer())

        for number in range(HISTORY_LIMIT * 2 + 5):
            process = replace(record.document, operation_id=f"op-{number + 2}")
            record = store.replace(record, replace(process, history=(*process.history, *lines(number, 1))))
            assert len(record.document.history) <= HISTORY_LIMIT

        assert store.load("p-1") == record
        assert whole_history(store, record.document) == list(lines(0, HISTORY_LIMIT * 2 + 5))
        assert record.document.history_moved == len(store.history("p-1"))

    def test_overflowing_history_is_moved_once_when_the_reply_was_lost(self, store: Store) -> None:
        record = store.insert(a_transfer())
        long = a_transfer(operation_id="op-2", history=lines(0, HISTORY_LIMIT + 7))

        store.replace(record, long)
        again = store.replace(record, long)

        assert whole_history(store, again.document) == list(lines(0, HISTORY_LIMIT + 7))

    def test_history_of_a_deleted_process_is_gone(self, store: Store) -> None:
        store.insert(a_transfer(history=lines(0, HISTORY_LIMIT * 3)))

        store.delete("p-1")

        assert list(store.history("p-1")) == []
        assert whole_history(store, store.insert(a_transfer()).document) == []
