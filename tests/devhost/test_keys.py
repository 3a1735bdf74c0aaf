"""Function, host, system and master keys and the file that holds them."""

import json
from pathlib import Path

import pytest

from ferry.devhost.errors import SettingsError
from ferry.devhost.functions import AuthLevel
from ferry.devhost.keys import BLOBS_SYSTEM_KEY, KEYS_FILE_SETTING, HostKeys, OpenAccess, keys_file, load_keys

KEYS = HostKeys(master="m", host={"default": "h"}, system={BLOBS_SYSTEM_KEY: "s"}, functions={"mine": {"default": "f"}})


@pytest.mark.parametrize(
    ("level", "key", "admitted"),
    [
        ("anonymous", "", True),
        ("function", "f", True),
        ("function", "h", True),
        ("function", "m", True),
        ("function", "s", False),
        ("function", "", False),
        ("function", "wrong", False),
        ("function", "schlüssel", False),
        ("admin", "m", True),
        ("admin", "f", False),
        ("admin", "h", False),
    ],
)
def test_key_opens_functions_of_its_level(level: AuthLevel, key: str, admitted: bool) -> None:
    assert KEYS.admits_function("mine", level, key) is admitted


def test_key_of_another_function_is_refused() -> None:
    assert not KEYS.admits_function("theirs", "function", "f")


@pytest.mark.parametrize(("key", "admitted"), [("s", True), ("m", True), ("h", False), ("", False)])
def test_webhook_takes_the_system_and_the_master_key(key: str, admitted: bool) -> None:
    assert KEYS.admits_extension(BLOBS_SYSTEM_KEY, key) is admitted


def test_absent_system_key_does_not_admit_an_empty_one() -> None:
    assert not HostKeys(master="m").admits_extension(BLOBS_SYSTEM_KEY, "")


def test_without_checks_everybody_is_admitted() -> None:
    access = OpenAccess()
    assert access.admits_function("mine", "admin", "")
    assert access.admits_admin("")
    assert access.admits_extension(BLOBS_SYSTEM_KEY, "")


def test_new_keys_file_is_private_and_stays(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "keys.json"
    first = load_keys(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert load_keys(file).admits_admin(first.master)
    assert len({first.master, *first.host.values(), *first.system.values()}) == 3


def test_given_keys_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"masterKey": "m", "functions": {"mine": {"default": "f"}}}))
    assert load_keys(file).admits_function("mine", "function", "f")


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"masterKey": "m", "systemKeys": []}'])
def test_keys_file_that_cannot_be_used_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(text)
    with pytest.raises(SettingsError, match=r"keys\.json"):
        load_keys(file)


def test_keys_lie_where_the_setting_says_or_in_the_cache() -> None:
    assert keys_file("id", {KEYS_FILE_SETTING: "/x/keys.json"}) == Path("/x/keys.json")
    assert keys_file("id", {"XDG_CACHE_HOME": "/cache"}) == Path("/cache/ferry/devhost/id/keys.json")


def test_keys_do_not_show_in_a_representation() -> None:
    assert "'m'" not in repr(KEYS)
