"""The stack as a process of its own: ready line, ends of all kinds, nothing left behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from ferry.emulators.launch import EmulatorsStartError, LaunchedEmulators, launch_emulators
from ferry.emulators.resources import StackDescription

from .processes import wait_for_end

pytestmark = pytest.mark.emulators


def _end_by_sigterm(launched: LaunchedEmulators) -> None:
    launched.process.send_signal(signal.SIGTERM)


def _end_by_closed_stdin(launched: LaunchedEmulators) -> None:
    assert launched.process.stdin is not None
    launched.process.stdin.close()


def _end_by_kill(launched: LaunchedEmulators) -> None:
    launched.process.kill()


@pytest.mark.parametrize(
    ("end", "exit_code"),
    [(_end_by_sigterm, 0), (_end_by_closed_stdin, 0), (_end_by_kill, -signal.SIGKILL)],
)
def test_ended_stack_leaves_no_process_and_no_files(end: Callable[[LaunchedEmulators], None], exit_code: int) -> None:
    with launch_emulators() as launched:
        azurite_pid = launched.description.azurite_pid
        folder = launched.participants["consumer"].certificate_path.parent
        assert folder.stat().st_mode & 0o077 == 0
        end(launched)
        assert launched.process.wait(10) == exit_code
        assert wait_for_end(azurite_pid, timeout_seconds=5.0)
        assert not folder.exists()


def test_azurite_ended_by_itself_ends_the_stack_with_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with launch_emulators(("consumer",)) as launched:
        os.kill(launched.description.azurite_pid, signal.SIGKILL)
        assert launched.process.wait(10) == 1
    assert "Azurite ended by itself" in capfd.readouterr().err


def test_two_stacks_at_once_share_no_port_and_no_key(emulators: LaunchedEmulators) -> None:
    first = emulators.participants["consumer"]
    with launch_emulators(("consumer",)) as other:
        second = other.participants["consumer"]
    assert first.vault_url != second.vault_url
    assert first.data_storage.blob_endpoint != second.data_storage.blob_endpoint
    assert first.data_storage.key != second.data_storage.key


def test_participants_share_no_account_and_no_secret(emulators: LaunchedEmulators) -> None:
    consumer, provider = (emulators.participants[name] for name in ("consumer", "provider"))
    accounts = [consumer.host_storage, consumer.data_storage, provider.host_storage, provider.data_storage]
    assert len({account.name for account in accounts}) == 4
    assert len({account.key for account in accounts}) == 4
    assert consumer.vault_url != provider.vault_url
    assert consumer.environment()["IDENTITY_HEADER"] != provider.environment()["IDENTITY_HEADER"]


def test_description_survives_its_json(emulators: LaunchedEmulators) -> None:
    assert StackDescription.from_json(emulators.description.to_json()) == emulators.description


def test_description_repr_hides_keys(emulators: LaunchedEmulators) -> None:
    consumer = emulators.participants["consumer"]
    shown = repr(emulators.description)
    assert consumer.data_storage.key not in shown
    assert consumer.identity_environment["IDENTITY_HEADER"] not in shown
    assert emulators.description.admin_key not in shown


def test_stdin_that_is_no_pipe_does_not_end_the_stack() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "ferry.emulators", "--json", "--participants", "consumer"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        azurite_pid: int = json.loads(process.stdout.readline())["azurite_pid"]
        os.kill(azurite_pid, 0)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    assert wait_for_end(azurite_pid, timeout_seconds=5.0)


@pytest.mark.parametrize("participants", [("Consumer",), ("a-b",), ("consumer", "consumer"), ("x" * 21,)])
def test_participants_that_cannot_name_accounts_are_refused(
    participants: tuple[str, ...], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(EmulatorsStartError):
        launch_emulators(participants)
    assert "participant" in capfd.readouterr().err
