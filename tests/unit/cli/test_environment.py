"""What a participant's process is told, and what it must not be told."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ferry.cli.environment import ParticipantSettings, machine_environment, merged
from ferry.emulators.azurite import StorageAccount
from ferry.emulators.resources import ParticipantResources
from ferry.settings import read_settings

URL = "http://127.0.0.1:20001"
KEY = "a2V5LW9mLXRoZS1hY2NvdW50"


def _account(name: str) -> StorageAccount:
    endpoints = [f"https://127.0.0.1:{port}/{name}" for port in (1, 2, 3)]
    return StorageAccount(name, KEY, *endpoints)


def _settings(*, keyless: bool) -> ParticipantSettings:
    resources = ParticipantResources(
        name="consumer",
        host_storage=_account("consumerhost"),
        data_storage=_account("consumerdata"),
        vault_url="https://127.0.0.1:4",
        identity_environment={"IDENTITY_ENDPOINT": "http://127.0.0.1:5", "IDENTITY_HEADER": "header"},
        trust_environment={"SSL_CERT_FILE": "bundle.pem"},
        certificate_path=Path("cert.pem"),
    )
    return ParticipantSettings(resources=resources, host_id="consumer", api_key="key", keyless=keyless)


@pytest.mark.parametrize("keyless", [False, True])
def test_app_accepts_the_settings(keyless: bool) -> None:
    settings = read_settings(merged(_settings(keyless=keyless).environment(URL)))
    assert settings.participant_id == "consumer"
    assert settings.accounts["consumerdata"].endpoint == "https://127.0.0.1:1/consumerdata"
    assert settings.public_url == URL
    assert settings.allow_loopback
    assert settings.accounts["consumerdata"].use_identity is keyless
    assert settings.destination_account == "consumerdata"
    assert settings.janitor_seconds == 20


def test_keyless_participant_is_told_no_key_at_all() -> None:
    told = merged(_settings(keyless=True).environment(URL))
    assert KEY not in json.dumps(told)
    assert "AzureWebJobsStorage" not in told
    assert told["AzureWebJobsStorage__tableServiceUri"] == "https://127.0.0.1:3/consumerhost"
    assert told["FERRY_DESTINATION_STORAGE__blobServiceUri"] == "https://127.0.0.1:1/consumerdata"


def test_participant_with_keys_gets_the_connection_that_its_trigger_names() -> None:
    told = merged(_settings(keyless=False).environment(URL))
    assert KEY in told[told["FERRY_DESTINATION_CONNECTION"]]
    assert "FERRY_DATA_PLANE_URL" not in told


def test_participant_that_signs_is_told_its_partners_and_finds_itself_among_them() -> None:
    partners = {"consumer": "did:web:127.0.0.1%3A20001:api", "provider": "did:web:127.0.0.1%3A20002:api"}
    signed = replace(_settings(keyless=False), signed=True, partners=partners)
    settings = read_settings(merged(signed.environment(URL)))
    assert (settings.identity, settings.did) == ("signed", partners["consumer"])
    assert {name: partner.did for name, partner in settings.partners.items()} == partners


def test_later_layers_win_and_empty_values_remove() -> None:
    assert merged({"a": "1", "b": "1", "c": "1"}, {"a": "2"}, {"b": ""}) == {"a": "2", "c": "1"}


def test_settings_of_other_apps_in_the_shell_are_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FERRY_DEADLINES", "AZURE_CLIENT_ID", "AzureWebJobsStorage", "IDENTITY_HEADER"):
        monkeypatch.setenv(name, "foreign")
    monkeypatch.setenv("KEPT", "kept")
    assert "foreign" not in machine_environment().values()
    assert machine_environment()["KEPT"] == "kept"
