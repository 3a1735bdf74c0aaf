"""Settings: every fault at once with an example, every setting read and used, wrong values named."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import override

import pytest

from ferry.domain.callback_address import CallbackAddress
from ferry.domain.states import NegotiationState, TransferState
from ferry.settings import SETTINGS, EntraAccess, KnownAccount, KnownPartner, Settings, SettingsError, read_settings

ROOT = Path(__file__).parents[2]
REQUIRED: dict[str, str] = {
    "FERRY_PARTICIPANT_ID": "consumer",
    "FERRY_PUBLIC_URL": "https://ferry.example.org/",
    "FERRY_VAULT_URL": "https://vault.example.org",
    "FERRY_API_KEY": "key",
    "FERRY_IDENTITY": "mock",
}
NUMBERS = (
    "FERRY_INLINE_SECONDS",
    "FERRY_JANITOR_SECONDS",
    "FERRY_DEADLINE_SECONDS",
    "FERRY_FIRST_LOOK_SECONDS",
    "FERRY_LAST_LOOK_SECONDS",
    "FERRY_SAS_SECONDS",
    "FERRY_SAS_GRACE_SECONDS",
    "FERRY_NOTIFY_SECONDS",
    "FERRY_RETENTION_DAYS",
)


def settings_with(**changes: str) -> Settings:
    return read_settings({**REQUIRED, **changes})


def faults_of(**changes: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        settings_with(**changes)
    return refused.value.faults


class WatchedEnvironment(Mapping[str, str]):
    """An environment that notes which names are asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.asked: set[str] = set()

    @override
    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._values[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    @override
    def __len__(self) -> int:
        return len(self._values)


# --- every setting ----------------------------------------------------------------------------------------------


def test_every_setting_is_read_and_no_other() -> None:
    environment = WatchedEnvironment(REQUIRED)
    read_settings(environment)
    assert environment.asked == {setting.name for setting in SETTINGS}


def test_every_setting_is_told_once_with_purpose_and_example() -> None:
    names = [setting.name for setting in SETTINGS]
    assert len(set(names)) == len(names)
    assert all(setting.purpose and setting.example for setting in SETTINGS)


def test_every_example_is_a_value_that_is_taken() -> None:
    read_settings({setting.name: setting.example for setting in SETTINGS})


def test_every_default_is_a_value_that_is_taken() -> None:
    defaults = {setting.name: setting.default for setting in SETTINGS if setting.default}
    assert settings_with(**defaults) == settings_with()


def test_every_setting_changes_something() -> None:
    plain = settings_with()
    for setting in SETTINGS:
        value = setting.example if setting.example != setting.default else "7" if setting.name in NUMBERS else ""
        if value and setting.name != "FERRY_IDENTITY" and value != REQUIRED.get(setting.name, setting.default):
            assert settings_with(**{setting.name: value}) != plain, setting.name


def test_everything_that_was_read_is_used() -> None:
    sources = [ROOT / "function_app.py"]
    for folder in ("ferry", "consumer_fns", "provider_fns", "shared_fns"):
        sources += (ROOT / folder).rglob("*.py")
    used = {name for source in sources for name in re.findall(r"\.(\w+)", source.read_text())}
    known = {field.name for field in fields(Settings)}
    assert known <= used, known - used


# --- missing ones -----------------------------------------------------------------------------------------------


def test_all_missing_settings_are_told_at_once_each_with_an_example() -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings({})
    told = str(refused.value)
    for setting in SETTINGS:
        if setting.default is None:
            assert f"{setting.name} is missing: {setting.purpose}, for example {setting.name}={setting.example}" in told
    assert "FERRY_API_KEY is missing" in told
    assert len(refused.value.faults) == 4


def test_blank_setting_is_a_missing_one() -> None:
    (fault,) = faults_of(FERRY_VAULT_URL="   ")
    assert fault.startswith("FERRY_VAULT_URL is missing")


def test_wrong_and_missing_ones_are_told_together() -> None:
    faults = faults_of(FERRY_PUBLIC_URL="ferry.example.org", FERRY_VAULT_URL="", FERRY_SAS_SECONDS="an hour")
    assert [fault.partition(" ")[0] for fault in faults] == ["FERRY_PUBLIC_URL", "FERRY_VAULT_URL", "FERRY_SAS_SECONDS"]


@pytest.mark.parametrize(
    ("changes", "is_needed"),
    [
        ({}, True),
        ({"FERRY_MANAGEMENT_AUTH": "function-key"}, False),
        ({"FERRY_ROLES": "dataplane"}, False),
        ({"FERRY_ROLES": "dataplane,provider"}, True),
    ],
)
def test_api_key_is_needed_where_clients_show_it(changes: dict[str, str], is_needed: bool) -> None:
    environment = {**REQUIRED, "FERRY_API_KEY": "", **changes}
    if not is_needed:
        read_settings(environment)
        return
    with pytest.raises(SettingsError, match="FERRY_API_KEY is missing"):
        read_settings(environment)


# --- wrong ones -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({}, {"FERRY_ENTRA_AUDIENCE", "FERRY_ENTRA_TENANT"}),
        ({"FERRY_ENTRA_AUDIENCE": "api://ferry"}, {"FERRY_ENTRA_TENANT"}),
        (
            {"FERRY_ENTRA_AUDIENCE": "api://ferry", "FERRY_ENTRA_ISSUER": "https://issuer.example"},
            {"FERRY_ENTRA_TENANT"},
        ),
        ({"FERRY_ENTRA_TENANT": "tenant"}, {"FERRY_ENTRA_AUDIENCE"}),
        ({"FERRY_ENTRA_AUDIENCE": "api://ferry", "FERRY_ENTRA_TENANT": "tenant"}, set[str]()),
        ({"FERRY_ROLES": "dataplane"}, set[str]()),
    ],
)
def test_entra_needs_audience_and_tenant(changes: dict[str, str], missing: set[str]) -> None:
    environment = {**REQUIRED, "FERRY_API_KEY": "", "FERRY_MANAGEMENT_AUTH": "entra", **changes}
    if not missing:
        read_settings(environment)
        return
    with pytest.raises(SettingsError) as refused:
        read_settings(environment)
    assert {fault.partition(" ")[0] for fault in refused.value.faults} == missing


def test_participant_that_signs_needs_partners_unless_it_is_a_data_plane() -> None:
    (fault,) = faults_of(FERRY_IDENTITY="signed")
    assert fault.startswith("FERRY_PARTNERS is missing with FERRY_IDENTITY=signed: ")
    assert settings_with(FERRY_IDENTITY="signed", FERRY_ROLES="dataplane").identity == "signed"
    assert settings_with(FERRY_IDENTITY="signed", FERRY_PARTNERS='{"a": "did:web:a.example"}').identity == "signed"


@pytest.mark.parametrize(
    ("changes", "is_needed"),
    [
        ({}, True),
        ({"FERRY_ROLES": "dataplane"}, True),
        ({"FERRY_IDENTITY": "mock"}, False),
        ({"FERRY_ALLOW_LOOPBACK": "true"}, False),
        ({"FERRY_PUBLIC_URL": "http://127.0.0.1:7071"}, False),
    ],
)
def test_participant_in_reach_of_others_says_whom_it_believes(changes: dict[str, str], is_needed: bool) -> None:
    environment = {**REQUIRED, "FERRY_IDENTITY": "", **changes}
    if not is_needed:
        assert read_settings(environment).identity == "mock"
        return
    with pytest.raises(SettingsError, match=r"FERRY_IDENTITY is missing: set signed, or mock"):
        read_settings(environment)


@pytest.mark.parametrize("value", ["-1", "soon", "nan", "inf", "-inf", "1e999", "0x10", "1,5"])
@pytest.mark.parametrize("name", NUMBERS)
def test_what_is_no_number_of_seconds_is_refused(name: str, value: str) -> None:
    (fault,) = faults_of(**{name: value})
    assert fault.startswith(f"{name} is no number of 0 or more: {value!r}")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FERRY_ROLES", "consumer,prvider"),
        ("FERRY_ROLES", ","),
        ("FERRY_MANAGEMENT_AUTH", "none"),
        ("FERRY_IDENTITY", "oauth"),
        ("FERRY_STORAGE_CREDENTIAL", "identiy"),
        ("FERRY_ALLOW_LOOPBACK", "yes"),
        ("FERRY_LOG_LEVEL", "info"),
        ("FERRY_PUBLIC_URL", "ftp://x"),
        ("FERRY_DATA_PLANE_URL", "plane.example.org"),
        ("FERRY_NAME_PREFIX", "Ferry"),
        ("FERRY_NAME_PREFIX", "fe"),
        ("FERRY_NAME_PREFIX", "1ferry"),
        ("FERRY_NAME_PREFIX", "x" * 21),
        ("FERRY_ALLOWED_NETWORKS", "10.1.0.0/16,nonsense"),
        ("FERRY_ALLOWED_NETWORKS", "10.1.0.1/16"),
        ("FERRY_DID", "did:key:z6Mk"),
        ("FERRY_DID", "https://ferry.example.org"),
        ("FERRY_SIGNING_KEY_NAME", "my_key"),
        ("FERRY_ENTRA_JWKS_URL", "login.example.org"),
        ("FERRY_PARTNERS", "[]"),
        ("FERRY_PARTNERS", '{"a": "a.example"}'),
        ("FERRY_PARTNERS", '{"a": "did:web:a.example/api"}'),
        ("FERRY_PARTNERS", '{"a": 7}'),
        ("FERRY_PARTNERS", '{"a": {}}'),
        ("FERRY_PARTNERS", '{"": "did:web:a.example"}'),
        ("FERRY_PARTNERS", '{"a": {"address": "https://a.example"}}'),
        ("FERRY_PARTNERS", '{"a": {"did": "did:web:a.example", "address": "a.example"}}'),
        ("FERRY_PARTNERS", '{"a": {"did": "did:web:a.example", "url": "https://a.example"}}'),
        ("FERRY_PARTNERS", '{"a": "did:web:a.example", "b": "did:web:a.example"}'),
        ("FERRY_DEADLINES", "{"),
        ("FERRY_DEADLINES", "[]"),
        ("FERRY_DEADLINES", '{"REQUESTED": "600"}'),
        ("FERRY_DEADLINES", '{"REQUESTED": -1}'),
        ("FERRY_DEADLINES", '{"REQUESTED": true}'),
        ("FERRY_DEADLINES", '{"REQUESTED": NaN}'),
        ("FERRY_DEADLINES", '{"REQUSTED": 600}'),
        ("FERRY_CALLBACKS", "{}"),
        ("FERRY_CALLBACKS", "[7]"),
        ("FERRY_CALLBACKS", '[{"uri": "hook.example.org", "events": ["transfer"]}]'),
        ("FERRY_CALLBACKS", '[{"uri": "https://hook.example.org", "events": ["transfer"], "authKey": "x-key"}]'),
        ("FERRY_STORAGE_ACCOUNTS", "7"),
        ("FERRY_STORAGE_ACCOUNTS", '{"data": "https://data.example.org"}'),
        ("FERRY_STORAGE_ACCOUNTS", '{"data": {"endpoint": "data.example.org"}}'),
        ("FERRY_STORAGE_ACCOUNTS", '{"data": {"keyName": 7}}'),
        ("FERRY_STORAGE_ACCOUNTS", '{"data": {"credential": "identiy"}}'),
        ("FERRY_STORAGE_ACCOUNTS", '{"data": {"keyname": "k"}}'),
    ],
)
def test_wrong_value_is_refused_by_name(name: str, value: str) -> None:
    (fault,) = faults_of(**{name: value})
    assert fault.startswith(name)


def test_the_key_is_shown_nowhere() -> None:
    assert "hidden" not in repr(settings_with(FERRY_API_KEY="hidden"))


# --- what they mean ---------------------------------------------------------------------------------------------


def test_urls_lose_their_last_slash_and_lead_to_the_protocols_bases() -> None:
    settings = settings_with()
    assert settings.public_url == "https://ferry.example.org"
    assert settings.dsp_url == "https://ferry.example.org/api/dsp/2025-1"
    assert settings.callback_url == "https://ferry.example.org/api/dsp/2025-1/consumer"
    assert settings.control_url == "https://ferry.example.org/api/control"


def test_lists_are_split_and_trimmed() -> None:
    settings = settings_with(FERRY_ALLOWED_HOSTS=" a.example , .example.net,, ", FERRY_ROLES=" provider ")
    assert settings.allowed_hosts == ("a.example", ".example.net")
    assert settings.roles == {"provider"}


def test_accounts_are_told_with_endpoint_key_and_credential() -> None:
    told = {
        "one": {"endpoint": "https://one.example.org/"},
        "two": {"keyName": "k", "credential": "key"},
        "three": {"credential": "identity"},
        "four": {},
    }
    assert settings_with(FERRY_STORAGE_ACCOUNTS=json.dumps(told)).accounts == {
        "one": KnownAccount(endpoint="https://one.example.org"),
        "two": KnownAccount(key_name="k"),
        "three": KnownAccount(use_identity=True),
        "four": KnownAccount(),
    }


def test_callbacks_are_read_as_in_an_order() -> None:
    told = [{"uri": "https://hook.example.org", "events": "transfer.process", "authKey": "x-key", "authCodeId": "k"}]
    address = CallbackAddress("https://hook.example.org", ("transfer.process",), auth_key="x-key", auth_code_id="k")

    assert settings_with(FERRY_CALLBACKS=json.dumps(told)).callbacks == (address,)


def test_signing_key_is_no_value_of_a_callbacks_header() -> None:
    told = [{"uri": "https://hook.example.org", "events": ["transfer"], "authKey": "x-key", "authCodeId": "My-Key"}]
    (fault,) = faults_of(FERRY_CALLBACKS=json.dumps(told), FERRY_SIGNING_KEY_NAME="my-key")
    assert fault.startswith("FERRY_CALLBACKS names the signing key")


def test_signing_key_is_not_what_a_plane_registers_with() -> None:
    told = {"url": "https://control.example.org", "keyName": "My-Key"}
    (fault,) = faults_of(FERRY_REGISTER_AT=json.dumps(told), FERRY_SIGNING_KEY_NAME="my-key")
    assert fault.startswith("FERRY_REGISTER_AT names the signing key")


def test_partners_are_told_by_did_and_where_else_they_answer() -> None:
    told = {"a": "did:web:a.example:api", "b": {"did": "did:web:b.example", "address": "https://dsp.b.example/"}}
    assert settings_with(FERRY_PARTNERS=json.dumps(told)).partners == {
        "a": KnownPartner("did:web:a.example:api"),
        "b": KnownPartner("did:web:b.example", "https://dsp.b.example"),
    }


def test_did_follows_from_the_public_url_unless_it_is_told() -> None:
    assert settings_with().did == "did:web:ferry.example.org:api"
    assert settings_with(FERRY_PUBLIC_URL="http://127.0.0.1:7071").did == "did:web:127.0.0.1%3A7071:api"
    assert settings_with(FERRY_DID="did:web:other.example").did == "did:web:other.example"


def test_issuer_and_keys_follow_from_the_tenant_unless_they_are_told() -> None:
    login = "https://login.microsoftonline.com/tenant"
    changes = {"FERRY_ENTRA_TENANT": "tenant", "FERRY_ENTRA_AUDIENCE": "api://ferry"}
    assert settings_with(**changes).entra == EntraAccess(f"{login}/v2.0", "api://ferry", f"{login}/discovery/v2.0/keys")
    own = settings_with(
        **changes, FERRY_ENTRA_ISSUER="https://sts.example/", FERRY_ENTRA_JWKS_URL="https://sts.example/keys"
    )
    assert own.entra == EntraAccess("https://sts.example/", "api://ferry", "https://sts.example/keys")


def test_deadlines_of_states_stand_over_the_general_one() -> None:
    limits = settings_with(FERRY_DEADLINES='{"REQUESTED": 7, "INITIAL": 0.5}', FERRY_DEADLINE_SECONDS="60").limits
    assert (limits.of_state("REQUESTED"), limits.of_state("INITIAL")) == (7, 0.5)
    assert (limits.of_state("VERIFYING"), limits.of_state("STARTED")) == (60, 86400)


@pytest.mark.parametrize("state", sorted({*TransferState, *NegotiationState, "DATA_FLOW"}))
def test_every_state_may_have_a_deadline(state: str) -> None:
    assert settings_with(FERRY_DEADLINES=json.dumps({state: 5})).limits.of_state(state) == 5


def test_no_state_waits_for_ever() -> None:
    limits = settings_with().limits
    assert all(0 < limits.of_state(state) <= 7 * 86400 for state in (*TransferState, *NegotiationState, "DATA_FLOW"))


def test_days_of_retention_are_seconds_inside() -> None:
    assert settings_with(FERRY_RETENTION_DAYS="2").limits.retention_seconds == 2 * 86400
