"""The pins of Azurite: one release, every package with its hash, and no registry's address."""

import json
from pathlib import Path
from typing import Any

import pytest

from ferry.emulators import azurite_install

_PINS = Path(azurite_install.__file__).parent / "node"


@pytest.fixture
def packages() -> dict[str, dict[str, Any]]:
    lock = json.loads((_PINS / "package-lock.json").read_text())
    return {path: package for path, package in lock["packages"].items() if path}


def test_manifest_and_lock_name_the_same_release(packages: dict[str, dict[str, Any]]) -> None:
    manifest = json.loads((_PINS / "package.json").read_text())
    assert manifest["dependencies"]["azurite"] == packages["node_modules/azurite"]["version"]


def test_every_package_has_a_hash(packages: dict[str, dict[str, Any]]) -> None:
    assert [path for path, package in packages.items() if not package["integrity"].startswith("sha512-")] == []


def test_lock_names_no_registry(packages: dict[str, dict[str, Any]]) -> None:
    assert [path for path, package in packages.items() if "resolved" in package] == []


def test_cache_dir_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FERRY_CACHE_DIR", str(tmp_path))
    assert azurite_install.cache_dir() == tmp_path
