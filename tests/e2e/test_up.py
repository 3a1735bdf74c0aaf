"""`ferry up` as a user runs it: how to reach both participants, and what its end leaves behind, whatever the end."""

import os
import signal
import stat
from pathlib import Path

import httpx2
import pytest

from ferry.cli.hosts import HostKind
from ferry.cli.management import ManagementClient

from .commands import first_json, left_behind, processes_of, started

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_two_at_once_answer_and_leave_nothing_behind(tmp_path: Path, host_kind: HostKind) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    arguments = ["up", "--json", "--host", host_kind]
    with (
        started(*arguments, run_folder=folders[0]) as first,
        started(*arguments, run_folder=folders[1]) as second,
    ):
        shown = [first_json(first)["participants"], first_json(second)["participants"]]
        for participants in shown:
            _assert_answers(participants["consumer"], participants["provider"])
        first.send_signal(signal.SIGTERM)
        assert first.wait(20) == 0
        assert left_behind(folders[0]) == []
        _assert_answers(shown[1]["consumer"], shown[1]["provider"])
        second.kill()
        second.wait()
        assert left_behind(folders[1], within_seconds=10.0) == []


def test_interrupt_while_starting_leaves_nothing_behind(run_folder: Path, host_kind: HostKind) -> None:
    with started("up", "--json", "--host", host_kind, run_folder=run_folder) as process:
        while not any("ferry.emulators" in line for line in processes_of(run_folder)):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert output == ""
    assert left_behind(run_folder, within_seconds=5.0) == []


def test_participant_that_ends_by_itself_ends_the_command_with_its_log(run_folder: Path, host_kind: HostKind) -> None:
    with started("up", "--json", "--host", host_kind, run_folder=run_folder) as process:
        provider = first_json(process)["participants"]["provider"]
        log = Path(provider["log"])
        assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700
        os.kill(provider["pid"], signal.SIGKILL)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "provider has ended by itself" in errors
    assert f"Where to look: {log}" in errors
    assert log.exists()
    assert processes_of(run_folder) == []


def _assert_answers(consumer: dict[str, str], provider: dict[str, str]) -> None:
    with ManagementClient(consumer["management"], consumer["api_key"]) as client:
        assert client.catalog(provider["protocol"]) == []
    refused = httpx2.post(f"{consumer['management']}/assets/request", headers={"x-api-key": "wrong"}, trust_env=False)
    assert refused.status_code == 401
