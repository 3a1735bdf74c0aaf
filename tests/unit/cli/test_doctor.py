"""The doctor: what it finds in a participant, from outside and from inside, and how it says to mend it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, cast

import pytest

from ferry.cli.doctor.finding import Finding, Health
from ferry.cli.doctor.local import look_inside
from ferry.cli.doctor.skew import skew_finding
from ferry.cli.exits import ExitCode
from tests.unit.cli import memory_participants
from tests.unit.cli.memory_participants import CommandLine

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PROVIDER = "http://provider.test/api/dsp/2025-1"


def found(cli: CommandLine, *arguments: str, code: int = 0) -> dict[str, dict[str, str]]:
    document = cast("dict[str, Any]", cli.json("doctor", *arguments, code=code))
    assert document["healthy"] == (code == 0)
    return {finding["what"]: finding for finding in document["findings"]}


def test_participant_that_is_well_has_no_fault_and_knows_its_peers(cli: CommandLine) -> None:
    findings = found(cli)
    assert {what for what, it in findings.items() if it["health"] == Health.GOOD.value} == {
        "profile",
        "participant",
        "storage",
        "vault",
        "key",
        "work",
        f"peer {PROVIDER}",
    }
    assert findings["clock"]["health"] == Health.DOUBTFUL.value


def test_service_that_does_not_answer_is_named_with_its_fix(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(memory_participants.HEALTH, "faults", ["vault: no answer (ServiceRequestError)"])
    findings = found(cli, code=ExitCode.FAILED)
    assert findings["vault"]["seen"] == "no answer (ServiceRequestError)"
    assert "FERRY_VAULT_URL" in findings["vault"]["fix"]
    assert findings["storage"]["health"] == Health.GOOD.value


def test_wrong_key_is_found_and_ends_the_look(cli: CommandLine) -> None:
    findings = found(cli, "--profile", "wrong-key", code=ExitCode.FAILED)
    assert "does not accept the key" in findings["key"]["seen"]
    assert "work" not in findings


def test_peer_that_cannot_be_reached_is_found(cli: CommandLine) -> None:
    findings = found(cli, "--peer", "http://nobody.test/api/dsp/2025-1", code=ExitCode.FAILED)
    finding = findings["peer http://nobody.test/api/dsp/2025-1"]
    assert "PEER_UNREACHABLE" in finding["seen"]
    assert "firewall" in finding["fix"]


def test_transfer_behind_its_deadline_points_at_timer_and_queues(cli: CommandLine) -> None:
    # The clock of the participants in memory stands in the past, so whatever waits is late by this machine's clock.
    cli.transports["http://consumer.localhost"].is_held = True
    cli.json("transfer", "start", cli.pair.agreement_id)
    findings = found(cli, code=ExitCode.FAILED)
    assert "1 of 1 transfers are behind their deadline" in findings["work"]["seen"]
    assert "timer" in findings["work"]["fix"]


def test_key_in_a_file_that_others_may_read_is_found(cli: CommandLine) -> None:
    Path(cli.environment["FERRY_CONFIG"]).chmod(0o644)
    findings = found(cli, code=ExitCode.FAILED)
    assert findings["profile file"]["fix"].startswith("chmod 600 ")


@pytest.mark.parametrize(
    ("seconds", "health"),
    [(0, Health.GOOD), (30, Health.GOOD), (-30, Health.GOOD), (120, Health.DOUBTFUL), (-400, Health.BAD)],
)
def test_clock_that_differs_is_found_by_the_answers_date(seconds: int, health: Health) -> None:
    date = format_datetime(AT + timedelta(seconds=seconds), usegmt=True)
    finding = skew_finding("clock", date, asked_at=AT, answered_at=AT + timedelta(seconds=1))
    assert finding.health is health


@pytest.mark.parametrize("date", [None, "", "yesterday"])
def test_answer_without_a_date_says_nothing_of_the_clock(date: str | None) -> None:
    assert skew_finding("clock", date, asked_at=AT, answered_at=AT).health is Health.DOUBTFUL


def test_settings_that_are_wrong_are_all_told_from_inside() -> None:
    findings = list(look_inside({"FERRY_ROLES": "captain"}))
    assert {finding.health for finding in findings} == {Health.BAD}
    told = " ".join(finding.seen for finding in findings)
    assert all(name in told for name in ("FERRY_ROLES", "FERRY_PARTICIPANT_ID", "FERRY_VAULT_URL"))


def _nothing_asked(*_: object) -> Iterator[Finding]:
    return iter(())


@pytest.mark.parametrize(
    ("access", "url", "is_told"),
    [
        ("open", "https://ferry.example.org", True),
        ("open", "http://127.0.0.1:7071", False),
        ("own", "https://ferry.example.org", False),
    ],
)
def test_plane_that_is_open_to_everybody_elsewhere_is_doubtful(
    monkeypatch: pytest.MonkeyPatch, access: str, url: str, is_told: bool
) -> None:
    for services in ("_of_services", "_of_queues"):
        monkeypatch.setattr(f"ferry.cli.doctor.local.{services}", _nothing_asked)
    settings = {
        "FERRY_PARTICIPANT_ID": "provider",
        "FERRY_PUBLIC_URL": url,
        "FERRY_VAULT_URL": "https://vault.example.org",
        "FERRY_API_KEY": "key",
        "FERRY_IDENTITY": "mock",
        "FERRY_SIGNALING_ACCESS": access,
        "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    }
    told = {finding.what: finding.health for finding in look_inside(settings)}
    assert told.get("signaling") == (Health.DOUBTFUL if is_told else None)


@pytest.mark.parametrize("content", ["", "[]", json.dumps({"Values": 1})])
def test_settings_file_that_is_none_is_a_usage_error(cli: CommandLine, tmp_path: Path, content: str) -> None:
    file = tmp_path / "local.settings.json"
    file.write_text(content)
    assert cli.run("doctor", "--settings", str(file)).exit_code == ExitCode.USAGE
