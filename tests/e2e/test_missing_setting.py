"""An app whose settings are incomplete does not start, and says which one is missing, what for, with an example."""

import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import httpx2
import pytest

from ferry.cli.environment import machine_environment
from ferry.cli.hosts import PROJECT_ROOT
from ferry.cli.ports import free_port
from ferry.devhost.host import HostOptions

pytestmark = pytest.mark.e2e

COMPLETE: Mapping[str, str] = {
    "FERRY_PARTICIPANT_ID": "consumer",
    "FERRY_PUBLIC_URL": "https://consumer.example.org",
    "FERRY_VAULT_URL": "https://vault.example.org",
    "FERRY_API_KEY": "a-key-for-this-test",
    "FERRY_IDENTITY": "mock",
}
_START_SECONDS = 40.0


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    """No settings at all, in place of the developer's own."""
    path = tmp_path / "local.settings.json"
    path.write_text('{"IsEncrypted": false, "Values": {}}')
    return path


def ended_host(settings_file: Path, settings: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and log of a host that gives up when the app cannot be loaded."""
    options = HostOptions(PROJECT_ROOT, port=free_port(), fail_fast=True, settings_file=settings_file)
    ended = subprocess.run(
        options.command(),
        env={**machine_environment(), **settings},
        stderr=subprocess.PIPE,
        text=True,
        timeout=_START_SECONDS,
        check=False,
    )
    return ended.returncode, ended.stderr


def test_missing_setting_ends_the_start_with_its_name_and_an_example(settings_file: Path) -> None:
    settings = {name: value for name, value in COMPLETE.items() if name != "FERRY_VAULT_URL"}
    code, log = ended_host(settings_file, settings)
    assert code == 1
    assert "FERRY_VAULT_URL is missing: the Key Vault for keys and SAS" in log
    assert "for example FERRY_VAULT_URL=https://my-vault.vault.azure.net" in log
    assert "FERRY_PUBLIC_URL" not in log
    assert COMPLETE["FERRY_API_KEY"] not in log


def test_all_faults_of_the_settings_are_told_at_once(settings_file: Path) -> None:
    code, log = ended_host(settings_file, {"FERRY_VAULT_URL": "no url", "FERRY_INLINE_SECONDS": "soon"})
    assert code == 1
    for name in ("FERRY_PARTICIPANT_ID is missing", "FERRY_PUBLIC_URL is missing", "FERRY_API_KEY is missing"):
        assert name in log
    assert "FERRY_VAULT_URL is no URL: 'no url'" in log
    assert "FERRY_INLINE_SECONDS is no number of 0 or more: 'soon'" in log


def test_host_that_stays_shows_the_missing_setting_in_its_status(settings_file: Path) -> None:
    port = free_port()
    options = HostOptions(PROJECT_ROOT, port=port, settings_file=settings_file)
    settings = {name: value for name, value in COMPLETE.items() if name != "FERRY_VAULT_URL"}
    with subprocess.Popen(
        options.command(), env={**machine_environment(), **settings}, stderr=subprocess.DEVNULL
    ) as process:
        try:
            status = _answered(f"http://127.0.0.1:{port}/admin/host/status")
            served = httpx2.get(f"http://127.0.0.1:{port}/api/health/live", trust_env=False)
        finally:
            process.terminate()
    assert status.json()["state"] == "Error"
    assert "FERRY_VAULT_URL is missing" in status.json()["errors"][0]
    assert served.status_code == 503


def _answered(url: str) -> httpx2.Response:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            return httpx2.get(url, trust_env=False)
        except httpx2.TransportError:
            assert time.monotonic() < deadline, f"{url} was not answered within {_START_SECONDS:g} s"
            time.sleep(0.05)
