"""The installation of Azurite by npm: once, also when two want it, and with a reason when it fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ferry.emulators.azurite_install import AzuriteInstallError, install_azurite

pytestmark = pytest.mark.emulators


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_processes_at_once_install_once(tmp_path: Path) -> None:
    script = "from ferry.emulators.azurite_install import install_azurite; print(install_azurite().script)"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            env=os.environ | {"FERRY_CACHE_DIR": str(tmp_path)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [process.communicate()[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert outputs[0] == outputs[1]
    assert Path(outputs[0]).is_file()
    assert len(list((tmp_path / "azurite").iterdir())) == 1


def test_registry_out_of_reach_says_so_and_leaves_nothing_that_looks_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    with pytest.raises(AzuriteInstallError, match="registry"):
        install_azurite(tmp_path)
    assert list(tmp_path.glob("azurite/*/installed")) == []


def test_installed_release_is_found_without_npm(monkeypatch: pytest.MonkeyPatch) -> None:
    first = install_azurite()
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9/")
    assert install_azurite() == first
    assert first.node.is_file()
