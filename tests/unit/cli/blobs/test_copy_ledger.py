"""The account of a copy: what is kept for who goes on, what is folded away, and which files are refused."""

import json
from collections import Counter
from pathlib import Path

import pytest

from ferry.cli.blobs.copy_ledger import CopyLedger
from ferry.cli.blobs.there_already import Likeness
from ferry.cli.exits import ExitCode
from ferry.cli.failure import CommandFailed
from ferry.data_plane.copying.page import PageState
from ferry.ports.storage import BlobItem, SourceBlob

ABOUT = {"source": "https://a/c", "destination": "https://b/d", "overwrite": False}


def page(number: int) -> tuple[SourceBlob, ...]:
    names = [f"{number}-{index}" for index in range(3)]
    return tuple(SourceBlob(BlobItem(name, 10, f'"{name}"'), name) for name in names)


def done(count: int = 3) -> PageState:
    return PageState(done=set(range(count)), bytes_done=10 * count, methods=Counter(put=count))


def test_pages_that_end_out_of_order_are_folded_when_the_front_is_done(tmp_path: Path) -> None:
    ledger = CopyLedger(tmp_path / "state", ABOUT)
    first, second = ledger.begin(None, page(0), "m1"), ledger.begin("m1", page(1), "m2")
    ledger.told(second, done())
    ledger.end(second)
    assert (ledger.after, ledger.totals().blobs) == (None, 3)
    ledger.told(first, done())
    ledger.end(first)
    assert (ledger.after, ledger.totals().blobs) == ("m2", 6)
    ledger.save()
    assert json.loads((tmp_path / "state").read_text())["pages"] == []


def test_last_page_ends_it() -> None:
    ledger = CopyLedger(None, ABOUT)
    entry = ledger.begin(None, page(0), None)
    ledger.told(entry, done())
    ledger.end(entry)
    assert ledger.is_over


def test_later_run_gets_the_states_of_the_earlier_one(tmp_path: Path) -> None:
    path = tmp_path / "state"
    earlier = CopyLedger(path, ABOUT)
    first, second = earlier.begin(None, page(0), "m1"), earlier.begin("m1", page(1), "m2")
    earlier.told(first, done(2))
    earlier.told(second, done())
    earlier.end(second)
    earlier.save()
    later = CopyLedger(path, ABOUT)
    assert later.is_resumed
    assert later.after is None
    again = later.begin(None, page(0), "m1")
    assert (again.state.done, again.was_begun, again.is_done) == ({0, 1}, True, False)
    assert later.begin("m1", page(1), "m2").is_done
    assert later.totals().blobs == 5


def test_page_that_has_changed_begins_anew_and_claims_nothing_that_lies_there(tmp_path: Path) -> None:
    path = tmp_path / "state"
    earlier = CopyLedger(path, ABOUT)
    earlier.told(earlier.begin(None, page(0), "m1"), done(2))
    earlier.save()
    entry = CopyLedger(path, ABOUT).begin(None, page(7), "m1")
    assert (entry.state.done, entry.was_begun) == (set(), False)


def test_blobs_that_are_there_already_are_counted_once_however_often_it_is_begun(tmp_path: Path) -> None:
    path, there = tmp_path / "state", Counter({Likeness.SAME: 2, Likeness.SAME_SIZE: 1})
    ledgers: list[CopyLedger] = []
    for _ in range(3):
        ledgers.append(CopyLedger(path, ABOUT))
        ledgers[-1].begin(None, page(0), "m1", there)
        ledgers[-1].save()
    totals = ledgers[-1].totals()
    assert (totals.there_already, totals.by_size_alone) == (3, 1)


def test_states_are_on_the_disk_before_a_page_is_begun(tmp_path: Path) -> None:
    path = tmp_path / "state"
    CopyLedger(path, ABOUT).begin(None, page(0), "m1")
    assert CopyLedger(path, ABOUT).begin(None, page(0), "m1").was_begun


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"version": 2}', '{"version": 1, "about": {"source": "other"}}'])
def test_file_that_is_of_something_else_is_a_usage_error(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state"
    path.write_text(content)
    with pytest.raises(CommandFailed) as raised:
        CopyLedger(path, ABOUT)
    assert raised.value.exit_code is ExitCode.USAGE
    assert path.read_text() == content


def test_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    ledger = CopyLedger(tmp_path / "no" / "folder", ABOUT)
    with pytest.raises(CommandFailed, match="cannot be written"):
        ledger.begin(None, page(0), None)


def test_ledger_without_a_file_writes_none(tmp_path: Path) -> None:
    CopyLedger(None, ABOUT).save()
    assert list(tmp_path.iterdir()) == []
