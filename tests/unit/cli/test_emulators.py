"""Where settings are written for hosts that people start themselves, and what would keep them from being used."""

from pathlib import Path

from ferry.cli.emulators import settings_file, shadowed


def test_one_participants_settings_go_to_the_file_itself() -> None:
    assert settings_file(Path("local.settings.json"), "a", is_only=True) == Path("local.settings.json")


def test_several_participants_have_a_file_each() -> None:
    assert settings_file(Path("x/local.settings.json"), "a", is_only=False) == Path("x/local.settings.a.json")


def test_variables_that_the_shell_sets_otherwise_are_named() -> None:
    environments = {"a": {"SSL_CERT_FILE": "ours", "NO_PROXY": "same", "FERRY_ROLES": "consumer"}}
    assert shadowed(environments, {"SSL_CERT_FILE": "theirs", "NO_PROXY": "same"}) == "SSL_CERT_FILE"
