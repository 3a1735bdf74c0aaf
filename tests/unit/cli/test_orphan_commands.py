"""`ferry orphans` against the real API in memory: what it prints, what it removes, and its exit codes."""

from typing import Any, cast

import pytest

from ferry.cli.exits import ExitCode
from ferry.data_plane import orphans as orphans_module
from ferry.domain.secret import Secret
from ferry.ports.storage import Account
from tests.unit.cli.memory_participants import CommandLine

ACCOUNT = Account("consumerdata", "https://consumerdata.test", Secret("consumer-key"))


def containers(cli: CommandLine) -> set[str]:
    return {name for account, name in cli.pair.world.cloud.containers() if account == "consumerdata"}


@pytest.fixture
def orphans(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Three of them on two pages; into the first one something was delivered."""
    monkeypatch.setattr(orphans_module, "CONTAINERS_PER_PAGE", 2)
    names = [f"ferry-{number}" for number in range(3)]
    for name in names:
        cli.pair.consumer.core.outside.storage.create_container(ACCOUNT, name, f"process-of-{name}")
    cli.pair.world.cloud.add_blob(ACCOUNT, names[0], ".complete", b"{}")
    cli.pair.world.clock.advance(cli.pair.consumer.core.settings.limits.retention_seconds + 1)
    return names


@pytest.fixture
def in_use(cli: CommandLine) -> str:
    """The container of a transfer that is COMPLETED."""
    started = cast("dict[str, Any]", cli.json("transfer", "start", cli.pair.agreement_id))
    destination = cli.pair.transfer(str(started["id"])).destination
    assert destination is not None
    return destination.container


def test_list_shows_all_pages_and_warns_of_what_was_delivered(
    cli: CommandLine, orphans: list[str], in_use: str
) -> None:
    result = cli.run("orphans", "list")
    lines = [line.split() for line in result.stdout.splitlines()[1:]]
    assert [(line[0], line[1], line[4]) for line in lines] == [
        ("ferry-0", "process-of-ferry-0", "yes"),
        ("ferry-1", "process-of-ferry-1", "no"),
        ("ferry-2", "process-of-ferry-2", "no"),
    ]
    assert in_use not in result.stdout
    assert "complete" in result.stderr
    listed = cast("list[dict[str, Any]]", cli.json("orphans", "list"))
    assert [it["container"] for it in listed] == orphans


def test_list_of_none_says_so(cli: CommandLine, in_use: str) -> None:
    assert cli.run("orphans", "list").stdout == "none\n"


def test_removal_is_a_dry_run_unless_it_is_said_otherwise(cli: CommandLine, orphans: list[str]) -> None:
    result = cli.run("orphans", "remove", orphans[0], "ferry-9")
    assert result.exit_code == 0
    assert [line.split()[:4] for line in result.stdout.splitlines()[1:]] == [
        ["ferry-0", "would", "be", "removed"],
        ["ferry-9", "is", "not", "there"],
    ]
    assert "--yes" in result.stderr
    assert containers(cli) == set(orphans)


def test_removal_takes_what_is_named_and_nothing_else(cli: CommandLine, orphans: list[str]) -> None:
    result = cli.run("orphans", "remove", *orphans[:2], "--yes")
    assert result.exit_code == 0, result.stderr
    assert [line.split()[1] for line in result.stdout.splitlines()[1:]] == ["removed", "removed"]
    assert containers(cli) == {orphans[2]}


def test_more_than_a_request_takes_are_removed_in_several(
    cli: CommandLine, orphans: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ferry.cli.orphans.NAMES_PER_REQUEST", 2)
    removed = cast("list[dict[str, Any]]", cli.json("orphans", "remove", *orphans, "--yes"))
    assert [it["outcome"] for it in removed] == ["REMOVED"] * 3
    asked = cli.transports["http://consumer.localhost"].asked
    assert asked == ["POST management/v3/orphans/remove"] * 2


def test_container_in_use_is_left_alone_and_refused(cli: CommandLine, orphans: list[str], in_use: str) -> None:
    result = cli.run("orphans", "remove", in_use, orphans[0], "--yes")
    assert result.exit_code == ExitCode.REFUSED
    assert "is COMPLETED" in result.stderr
    assert in_use in containers(cli) and orphans[0] not in containers(cli)


def test_name_that_is_none_is_refused_before_anything_is_removed(cli: CommandLine, orphans: list[str]) -> None:
    result = cli.run("orphans", "remove", orphans[0], "No_Container", "--yes")
    assert result.exit_code == ExitCode.REFUSED
    assert "containers[1]" in result.stderr
    assert containers(cli) == set(orphans)
