"""SAS signed here are, to the letter, those of the SDK."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.storage.blob import UserDelegationKey, generate_blob_sas, generate_container_sas
from azure.storage.blob._shared.constants import X_MS_VERSION  # pyright: ignore[reportPrivateImportUsage]

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_sas import API_VERSION, SasSigner, SasTemplate, SasTerms, SigningKey, delegated
from ferry.adapters.clock import VirtualClock
from ferry.domain.secret import Secret
from ferry.ports.storage import Account, SasScope
from ferry.ports.storage_failure import StorageFailed

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
KEY = base64.b64encode(bytes(range(64))).decode()
NAMES = ["a", "folder/ü b+c%.txt", "x" * 1024, "日本/~&?#"]


def a_delegation_key(tenant: str | None = None) -> UserDelegationKey:
    key = UserDelegationKey()
    key.signed_oid, key.signed_tid = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
    key.signed_start, key.signed_expiry = "2026-01-02T02:00:00Z", "2026-01-02T05:00:00Z"
    key.signed_service, key.signed_version = "b", "2026-10-06"
    key.signed_delegated_user_tid = tenant
    key.value = base64.b64encode(bytes(reversed(range(64)))).decode()
    return key


def a_scope(letters: str, policy_id: str | None = None) -> SasScope:
    return SasScope("container", letters, NOW - timedelta(minutes=5), NOW + timedelta(hours=1), policy_id=policy_id)


def by_sdk(scope: SasScope, name: str | None, **options: Any) -> str:
    if scope.policy_id is None:
        options |= {"permission": scope.permissions, "start": scope.starts_at, "expiry": scope.expires_at}
    if name is None:
        return generate_container_sas("account", scope.container, **options)
    return generate_blob_sas("account", scope.container, name, **options)


def signed(template: SasTemplate, name: str | None) -> str:
    return template.for_container() if name is None else template.for_blob(name)


@pytest.mark.parametrize("https_only", [True, False])
@pytest.mark.parametrize("name", [None, *NAMES])
def test_sas_by_account_key_is_the_one_of_the_sdk(name: str | None, https_only: bool) -> None:
    scope = a_scope("rlt" if name is None else "r")
    template = SasTemplate(SasTerms("account", scope, scope.expires_at, https_only), SigningKey(base64.b64decode(KEY)))
    options = {"protocol": "https"} if https_only else {}
    assert signed(template, name) == by_sdk(scope, name, account_key=KEY, **options)


@pytest.mark.parametrize("name", [None, *NAMES])
def test_sas_on_a_policy_is_the_one_of_the_sdk(name: str | None) -> None:
    scope = a_scope("cw", "policy-1")
    template = SasTemplate(SasTerms("account", scope, scope.expires_at, True), SigningKey(base64.b64decode(KEY)))
    expected = by_sdk(scope, name, account_key=KEY, policy_id="policy-1", protocol="https")
    assert signed(template, name) == expected
    assert "sp=" not in expected


@pytest.mark.parametrize("tenant", [None, "00000000-0000-4000-8000-000000000003"])
@pytest.mark.parametrize("name", [None, *NAMES])
def test_sas_by_delegation_key_is_the_one_of_the_sdk(name: str | None, tenant: str | None) -> None:
    scope, key = a_scope("r"), a_delegation_key(tenant)
    template = SasTemplate(SasTerms("account", scope, scope.expires_at, True), delegated(key))
    assert signed(template, name) == by_sdk(scope, name, user_delegation_key=key, protocol="https")


def test_version_is_the_one_that_the_sdk_speaks() -> None:
    assert API_VERSION == X_MS_VERSION


def test_signer_with_an_account_key_needs_no_service() -> None:
    clock = VirtualClock(NOW)
    signer = SasSigner(BlobClients(), clock)
    account = Account("account", "https://account.blob.core.windows.net", Secret(KEY))
    scope = a_scope("r")
    assert signer.holds_key(account, NOW + timedelta(days=1))
    expected = by_sdk(scope, "a", account_key=KEY, protocol="https")
    assert signer.template(account, scope).for_blob("a") == expected


@pytest.mark.parametrize("use", [SasSigner.template, SasSigner.issue])
def test_key_that_is_none_is_refused_and_not_shown(use: Callable[..., object]) -> None:
    account = Account("account", "https://account.blob.core.windows.net", Secret("no key!"))
    with pytest.raises(StorageFailed, match="no account key") as caught:
        use(SasSigner(BlobClients(), VirtualClock(NOW)), account, a_scope("r"))
    assert "no key!" not in str(caught.value)
    assert caught.value.with_key


def test_key_is_not_shown_by_what_holds_it() -> None:
    assert "AAEC" not in repr(SigningKey(base64.b64decode(KEY)))
