"""`ferry copy` in memory: what arrives, what it tells, its exit codes, and how it goes on after a stop."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from ferry.adapters.memory_cloud import MemoryRequest
from ferry.adapters.memory_sides import MemoryFile, Mishap
from ferry.cli.blobs import copy_ledger, copy_pages
from ferry.cli.exits import ExitCode
from ferry.ports.blob_sides import WireAnswer
from tests.unit.cli.blobs.conftest import Run
from tests.unit.cli.blobs.stage import BlobStage

REFUSED = Mishap(WireAnswer(403, "AuthenticationFailed"))


@pytest.fixture
def filled(stage: BlobStage) -> BlobStage:
    """Twelve small blobs, listed and copied five at a time."""
    for number in range(12):
        stage.put_named(f"in/{number:02}.txt", f"content {number}".encode())
    stage.cloud.page_size = 5
    return stage


def told(result: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(result.stdout))


def refusing(name: str) -> Callable[[MemoryRequest], Mishap | None]:
    """The destination refuses a blob for good."""

    def mishap(request: MemoryRequest) -> Mishap | None:
        return REFUSED if request.blob_name == name and "Put" in request.operation else None

    return mishap


def test_container_is_copied_with_its_names(filled: BlobStage, run: Run) -> None:
    result = run("copy", SOURCE=filled.source(), TARGET=filled.target())
    assert result.exit_code == 0, result.stderr
    assert filled.arrived == {name: blob.content for name, blob in filled.source_blobs.items()}
    assert result.stdout.startswith("12 blobs, 110 B copied in ")
    assert "12 by the service" in result.stdout
    assert "sig=" not in result.output


def test_folder_is_copied_below_another_folder(filled: BlobStage, run: Run) -> None:
    assert run("copy", SOURCE=filled.source("in/"), TARGET=filled.target("out/")).exit_code == 0
    assert filled.arrived.keys() == {f"out/{number:02}.txt" for number in range(12)}


def test_blob_is_copied_under_another_name(filled: BlobStage, run: Run) -> None:
    assert run("copy", SOURCE=filled.source("in/03.txt", "r"), TARGET=filled.target("other", "cw")).exit_code == 0
    assert filled.arrived == {"other": b"content 3"}


def test_file_of_a_web_server_is_copied(stage: BlobStage, run: Run) -> None:
    address = "https://files.example/x/file.bin?token=secret"
    for known in (address, address.partition("?")[0]):
        stage.sides.files[known] = MemoryFile(b"from the web")
    result = run("copy", "--json", SOURCE=address, TARGET=stage.target("in/"))
    assert result.exit_code == 0, result.stderr
    assert stage.arrived == {"in/file.bin": b"from the web"}
    assert told(result)["methods"] == {"stream": 1}
    assert "secret" not in result.output


def test_second_copy_finds_everything_there_already(filled: BlobStage, run: Run) -> None:
    run("copy", SOURCE=filled.source(), TARGET=filled.target())
    before = len(filled.cloud.requests)
    result = run("copy", "--json", SOURCE=filled.source(), TARGET=filled.target())
    assert result.exit_code == 0
    assert told(result) | {"blobs": 0, "thereAlready": 12, "bySizeAlone": 0} == told(result)
    assert {it.operation for it in filled.cloud.requests[before:]} == {"List Blobs"}


def test_another_blob_of_that_name_is_not_written_over(filled: BlobStage, run: Run) -> None:
    run("copy", SOURCE=filled.source("in/03.txt"), TARGET=filled.target("in/"))
    filled.put_named("in/03.txt", b"newer content")
    for letters in ("rlcw", "cw"):
        result = run("copy", SOURCE=filled.source(), TARGET=filled.target(letters=letters))
        assert result.exit_code == ExitCode.REFUSED
        assert "DESTINATION_EXISTS" in result.stderr
        assert "--overwrite" in result.stderr
    assert filled.arrived["in/03.txt"] == b"content 3"


def test_another_blob_of_that_name_is_written_over_when_asked_for(filled: BlobStage, run: Run) -> None:
    run("copy", SOURCE=filled.source(), TARGET=filled.target())
    filled.put_named("in/03.txt", b"newer content")
    result = run("copy", "--overwrite", "--json", SOURCE=filled.source(), TARGET=filled.target())
    assert result.exit_code == 0
    assert told(result)["blobs"] == 12
    assert filled.arrived["in/03.txt"] == b"newer content"


def test_copy_that_failed_goes_on_by_what_the_destination_holds(filled: BlobStage, run: Run) -> None:
    filled.sides.mishap = refusing("in/07.txt")
    failed = run("copy", SOURCE=filled.source(), TARGET=filled.target())
    assert failed.exit_code == ExitCode.REFUSED
    assert "SAS_REFUSED" in failed.stderr
    assert "the same command goes on from there" in failed.stderr
    there = len(filled.arrived)
    assert 0 < there < 12
    filled.sides.mishap = lambda _: None
    result = run("copy", "--json", SOURCE=filled.source(), TARGET=filled.target())
    assert (told(result)["blobs"], told(result)["thereAlready"]) == (12 - there, there)


def test_copy_that_failed_goes_on_by_its_state_file_where_nothing_may_be_listed(
    filled: BlobStage, run: Run, tmp_path: Path
) -> None:
    state = str(tmp_path / "state.json")
    filled.sides.mishap = refusing("in/07.txt")
    addresses = {"SOURCE": filled.source(), "TARGET": filled.target(letters="cw")}
    failed = run("copy", "--state", state, "--json", **addresses)
    assert failed.exit_code == ExitCode.REFUSED
    assert told(failed)["complete"] is False
    assert "sig" not in Path(state).read_text()
    written = len([it for it in filled.cloud.requests if "Put" in it.operation or "Copy" in it.operation])
    filled.sides.mishap = lambda _: None
    result = run("copy", "--state", state, "--json", **addresses)
    assert result.exit_code == 0, result.stderr
    assert told(result)["blobs"] == 12
    assert len(filled.arrived) == 12
    again = len([it for it in filled.cloud.requests if "Put" in it.operation or "Copy" in it.operation]) - written
    assert again < 12
    assert not Path(state).exists()


def test_state_file_of_another_copy_is_a_usage_error(filled: BlobStage, run: Run, tmp_path: Path) -> None:
    state = str(tmp_path / "state.json")
    filled.sides.mishap = refusing("in/07.txt")
    run("copy", "--state", state, SOURCE=filled.source(), TARGET=filled.target())
    result = run("copy", "--state", state, SOURCE=filled.source("in/"), TARGET=filled.target())
    assert result.exit_code == ExitCode.USAGE
    assert "of another copy" in result.stderr


def test_blob_that_changes_meanwhile_fails_or_is_taken(filled: BlobStage, run: Run) -> None:
    changed: list[str] = []

    def change(request: MemoryRequest) -> None:
        if request.blob_name.endswith("in/03.txt") and request.operation.endswith("From URL") and not changed:
            changed.append(request.blob_name)
            filled.put_named("in/03.txt", b"in between")

    filled.sides.mishap = change
    failed = run("copy", SOURCE=filled.source(), TARGET=filled.target())
    assert failed.exit_code == ExitCode.FAILED
    assert "SOURCE_CHANGED" in failed.stderr
    changed.clear()
    result = run("copy", "--on-change", "take", "--json", SOURCE=filled.source(), TARGET=filled.target("again/"))
    assert result.exit_code == 0, result.stderr
    assert told(result)["changed"] == 1
    assert filled.arrived["again/in/03.txt"] == b"in between"


def test_source_without_blobs_is_not_found(stage: BlobStage, run: Run) -> None:
    result = run("copy", SOURCE=stage.source("nothing/"), TARGET=stage.target())
    assert result.exit_code == ExitCode.NOT_FOUND
    assert "There is nothing at" in result.stderr


def test_what_was_not_kept_is_told(filled: BlobStage, run: Run) -> None:
    filled.source_blobs["in/03.txt"] = replace(filled.source_blobs["in/03.txt"], tags={"a": "b"})
    result = run("copy", SOURCE=filled.source(letters="rlt"), TARGET=filled.target(letters="rlcw"))
    assert result.exit_code == 0
    assert "not kept: tags of 1 blobs" in result.stdout


def test_no_more_pages_are_under_way_than_memory_allows(
    stage: BlobStage, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[copy_pages.CopyPages] = []

    class Watched(copy_pages.CopyPages):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            made.append(self)

    monkeypatch.setattr("ferry.cli.blobs.copy.CopyPages", Watched)
    monkeypatch.setattr(copy_pages, "MOST_BLOBS", 20)
    for number in range(100):
        stage.put_named(f"{number:03}", b"x")
    stage.cloud.page_size = 5
    assert run("copy", SOURCE=stage.source(), TARGET=stage.target()).exit_code == 0
    assert len(stage.arrived) == 100
    assert 2 <= made[0].peak_pages <= 4


def test_page_that_stands_still_holds_up_the_list(stage: BlobStage, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    begin = copy_ledger.CopyLedger.begin

    def watched(self: copy_ledger.CopyLedger, *arguments: Any) -> copy_ledger.PageEntry:
        entry = begin(self, *arguments)
        kept.append(self.kept_count)
        return entry

    def first_waits(request: MemoryRequest) -> Mishap | None:
        if request.blob_name == "000" and len(kept) < 8:
            return Mishap(WireAnswer(503, "ServerBusy"))
        return None

    monkeypatch.setattr(copy_ledger.CopyLedger, "begin", watched)
    monkeypatch.setattr(copy_pages, "MOST_KEPT_PAGES", 8)
    stage.sides.mishap = first_waits
    for number in range(40):
        stage.put_named(f"{number:03}", b"x")
    stage.cloud.page_size = 1
    assert run("copy", SOURCE=stage.source(), TARGET=stage.target()).exit_code == 0
    assert len(stage.arrived) == 40
    assert 2 <= max(kept) <= 8


def test_workers_bound_the_requests_under_way(stage: BlobStage, run: Run) -> None:
    for number in range(60):
        stage.put_named(f"{number:03}", b"x")
    stage.sides.delay_seconds = 0.001
    assert run("copy", "--workers", "3", SOURCE=stage.source(), TARGET=stage.target(letters="cw")).exit_code == 0
    # One more may list the next page.
    assert stage.sides.peak_under_way <= 4
