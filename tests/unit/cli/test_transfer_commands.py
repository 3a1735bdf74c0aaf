"""The commands of transfers against the real API in memory: what they print, and their exit codes."""

import json
from typing import Any, cast

import pytest

from ferry.cli.exits import ExitCode
from tests.unit.cli.memory_participants import CommandLine


@pytest.fixture
def transfer_id(cli: CommandLine) -> str:
    """A transfer that is COMPLETED."""
    started = cast("dict[str, Any]", cli.json("transfer", "start", cli.pair.agreement_id))
    return str(started["id"])


def test_start_without_provider_finds_it_by_the_agreement_and_prints_the_id_alone(cli: CommandLine) -> None:
    result = cli.run("transfer", "start", cli.pair.agreement_id)
    assert result.exit_code == 0, result.stderr
    (transfer_id,) = result.stdout.split()
    assert f"ferry transfer watch {transfer_id}" in result.stderr
    assert cli.pair.transfer(transfer_id).state_name == "COMPLETED"


def test_start_with_the_same_idempotency_key_starts_once(cli: CommandLine) -> None:
    first, second = (
        cli.run("transfer", "start", cli.pair.agreement_id, "--idempotency-key", "once").stdout for _ in range(2)
    )
    assert first == second != ""


def test_start_that_waits_ends_with_what_arrived(cli: CommandLine) -> None:
    result = cli.run("transfer", "start", cli.pair.agreement_id, "--wait")
    assert result.exit_code == 0
    assert result.stdout.endswith("is COMPLETED: 2 blobs, 10 bytes\n")


def test_start_with_bad_input_tells_every_fault_and_is_refused(cli: CommandLine) -> None:
    result = cli.run("transfer", "start", cli.pair.agreement_id, "--unmanaged", "--account", "Not An Account")
    assert result.exit_code == ExitCode.REFUSED
    assert "dataDestination.container" in result.stderr
    assert "dataDestination.account" in result.stderr


def test_start_under_an_unknown_agreement_is_not_found(cli: CommandLine) -> None:
    result = cli.run("transfer", "start", "no-such-agreement")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert "no-such-agreement" in result.stderr


def test_list_shows_the_newest_first_with_the_cause_of_what_failed(cli: CommandLine, transfer_id: str) -> None:
    cli.transports["http://consumer.localhost"].is_held = True
    failed = cast("dict[str, Any]", cli.json("transfer", "start", cli.pair.agreement_id))["id"]
    assert cli.run("transfer", "terminate", failed, "--reason", "not wanted").exit_code == 0
    lines = cli.run("transfer", "list").stdout.splitlines()
    assert lines[0].split()[:3] == ["id", "role", "state"]
    assert {line.split()[0]: line.split()[2] for line in lines[1:]} == {failed: "TERMINATED", transfer_id: "COMPLETED"}
    only = cli.run("transfer", "list", "--failed").stdout.splitlines()
    assert len(only) == 2
    assert only[1].split()[-1] == "TERMINATED_BY_CLIENT"


def test_list_by_role_shows_each_side_its_own(cli: CommandLine, transfer_id: str) -> None:
    ours = cast("list[dict[str, Any]]", cli.json("transfer", "list", "--role", "consumer"))
    assert [it["@id"] for it in ours] == [transfer_id]
    assert cli.json("transfer", "list", "--role", "provider") == []
    assert len(cast("list[Any]", cli.json("transfer", "list", "--role", "provider", "-p", "provider"))) == 1


def test_list_by_an_unknown_role_is_a_usage_error(cli: CommandLine) -> None:
    assert cli.run("transfer", "list", "--role", "nobody").exit_code == ExitCode.USAGE


def test_list_of_more_than_a_page_follows_the_links(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ferry.cli.api_client.PAGE_LIMIT", 2)
    ids = [cast("dict[str, Any]", cli.json("transfer", "start", cli.pair.agreement_id))["id"] for _ in range(5)]
    cli.transports["http://consumer.localhost"].asked.clear()
    listed = cast("list[dict[str, Any]]", cli.json("transfer", "list", "--limit", "5"))
    assert sorted(it["@id"] for it in listed) == sorted(ids)
    asked = cli.transports["http://consumer.localhost"].asked
    assert [it.partition("?")[1] for it in asked] == ["", "?", "?"]


def test_watch_of_a_transfer_that_was_ended_exits_with_six(cli: CommandLine) -> None:
    cli.transports["http://consumer.localhost"].is_held = True
    failed = cast("dict[str, Any]", cli.json("transfer", "start", cli.pair.agreement_id))["id"]
    cli.run("transfer", "terminate", failed, "--reason", "not wanted")
    result = cli.run("transfer", "watch", failed)
    assert result.exit_code == ExitCode.ENDED_BADLY
    assert "TERMINATED_BY_CLIENT" in result.stderr
    assert f"ferry transfer explain {failed}" in result.stderr


def test_watch_that_takes_too_long_exits_with_seven(cli: CommandLine) -> None:
    cli.transports["http://consumer.localhost"].is_held = True
    waiting = cast("dict[str, Any]", cli.json("transfer", "start", cli.pair.agreement_id))["id"]
    result = cli.run("transfer", "watch", waiting, "--timeout", "0.2")
    assert result.exit_code == ExitCode.TIMED_OUT
    assert "it goes on" in result.stderr


def test_watch_as_json_prints_the_transfer_alone(cli: CommandLine, transfer_id: str) -> None:
    assert cast("dict[str, Any]", cli.json("transfer", "watch", transfer_id))["state"] == "COMPLETED"


def test_explain_with_the_peers_profile_shows_both_sides(cli: CommandLine, transfer_id: str) -> None:
    told = cast("dict[str, Any]", cli.json("transfer", "explain", transfer_id, "--peer-profile", "provider"))
    assert {line["side"] for line in told["timeline"]} == {"consumer", "provider"}
    assert [step["status"] for step in told["steps"][:13]] == ["done"] * 13


def test_explain_names_the_profile_in_the_next_command(cli: CommandLine, transfer_id: str) -> None:
    told = cast("dict[str, Any]", cli.json("transfer", "explain", transfer_id, "--profile", "consumer"))
    assert told["next"] == [f"ferry transfer deprovision --profile consumer {transfer_id}"]


def test_deprovision_waits_until_everything_is_gone(cli: CommandLine, transfer_id: str) -> None:
    result = cli.run("transfer", "deprovision", transfer_id)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{transfer_id} is DEPROVISIONED")
    assert cli.run("transfer", "watch", transfer_id).exit_code == 0


def test_order_that_the_state_does_not_allow_is_refused(cli: CommandLine, transfer_id: str) -> None:
    result = cli.run("transfer", "suspend", transfer_id)
    assert result.exit_code == ExitCode.REFUSED
    assert "COMPLETED" in result.stderr


def test_unknown_transfer_is_not_found_also_as_json(cli: CommandLine) -> None:
    result = cli.run("transfer", "explain", "nobody", "--output", "json")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert result.stdout == ""
    assert json.loads(result.stderr)["error"]["exitCode"] == ExitCode.NOT_FOUND


def test_wrong_key_is_refused_and_never_shown(cli: CommandLine) -> None:
    result = cli.run("transfer", "list", "--profile", "wrong-key")
    assert result.exit_code == ExitCode.REFUSED
    assert "does not accept the key" in result.stderr
    assert "not the key" not in result.output + result.stderr


def test_participant_that_is_not_there_is_not_reachable(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx2

    def fail(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("[Errno 111] Connection refused", request=request)

    monkeypatch.setattr(cli.transports["http://consumer.localhost"], "handle_request", fail)
    result = cli.run("transfer", "list")
    assert result.exit_code == ExitCode.NOT_REACHABLE
    assert "Connection refused" in result.stderr
