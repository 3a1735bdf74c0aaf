"""`ferry verify` in memory: exit codes and what it says."""

import json

import pytest

from ferry.adapters.memory_sides import Mishap
from ferry.cli.exits import ExitCode
from ferry.data_plane.manifest import DeliveryTally
from ferry.ports.blob_sides import WireAnswer
from tests.unit.cli.blobs.conftest import Run
from tests.unit.cli.blobs.stage import BlobStage


@pytest.fixture
def delivered(stage: BlobStage) -> BlobStage:
    """A delivery of three blobs with its marker."""
    tally = DeliveryTally()
    for name, content in {"a/1": b"one", "a/2": b"two", "b": b""}.items():
        stage.put_named(name, content)
        tally.add(name, len(content))
    manifest = tally.manifest(consumer_pid="c", provider_pid="p", agreement_id="agr")
    stage.put_named(".complete", manifest.encode())
    return stage


def test_delivery_that_is_whole_is_verified(delivered: BlobStage, run: Run) -> None:
    result = run("verify", CONTAINER=delivered.source())
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("verified: 3 blobs, 6 B, root ")
    assert "agreement agr" in result.stdout
    assert "sig" not in result.output


def test_listing_in_many_pages_gives_the_same_root(delivered: BlobStage, run: Run) -> None:
    delivered.cloud.page_size = 1
    assert run("verify", CONTAINER=delivered.source()).exit_code == 0
    assert delivered.requests("List Blobs", delivered.source_account) == 4


def test_delivery_that_differs_exits_with_eight_and_says_how(delivered: BlobStage, run: Run) -> None:
    del delivered.source_blobs["a/2"]
    result = run("verify", "--output", "json", CONTAINER=delivered.source())
    assert result.exit_code == ExitCode.DIFFERS
    assert json.loads(result.stdout)["missing"] == {"count": 1, "first": ["a/2"]}
    assert json.loads(result.stderr)["error"]["faults"][0] == "1 missing, such as 'a/2'"


def test_container_without_a_marker_is_not_found(delivered: BlobStage, run: Run) -> None:
    result = run("verify", "--marker", "other", CONTAINER=delivered.source())
    assert result.exit_code == ExitCode.NOT_FOUND
    assert "--marker" in result.stderr


@pytest.mark.parametrize("content", [b"", b"not json"])
def test_marker_that_is_no_manifest_differs(delivered: BlobStage, run: Run, content: bytes) -> None:
    delivered.put_named(".complete", content)
    result = run("verify", CONTAINER=delivered.source())
    assert result.exit_code == ExitCode.DIFFERS
    assert "is no manifest" in result.stderr


@pytest.mark.parametrize(("path", "letters", "says"), [("a/1", "rl", "is a blob"), ("", "r", "r and l are needed")])
def test_address_that_cannot_be_checked_is_a_usage_error(
    delivered: BlobStage, run: Run, path: str, letters: str, says: str
) -> None:
    result = run("verify", CONTAINER=delivered.source(path, letters))
    assert result.exit_code == ExitCode.USAGE
    assert says in result.stderr


def test_sas_that_is_refused_exits_with_four(delivered: BlobStage, run: Run) -> None:
    delivered.sides.mishap = lambda _: Mishap(WireAnswer(403, "AuthenticationFailed"))
    result = run("verify", CONTAINER=delivered.source())
    assert result.exit_code == ExitCode.REFUSED
    assert "AuthenticationFailed" in result.stderr
    assert "sig=" not in result.stderr


def test_service_that_is_busy_is_asked_again(delivered: BlobStage, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ferry.cli.blobs.reads._FIRST_PAUSE_SECONDS", 0.001)
    busy = [Mishap(WireAnswer(503, "ServerBusy")), Mishap()]
    delivered.sides.mishap = lambda _: busy.pop() if busy else None
    assert run("verify", CONTAINER=delivered.source()).exit_code == 0


def test_service_that_does_not_answer_exits_with_three(
    delivered: BlobStage, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ferry.cli.blobs.reads._FIRST_PAUSE_SECONDS", 0.001)
    delivered.sides.mishap = lambda _: Mishap()
    assert run("verify", CONTAINER=delivered.source()).exit_code == ExitCode.NOT_REACHABLE
