"""The vault on Key Vault: the contract suite on the emulator with a managed identity, request counts, faults."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from azure.core.credentials import TokenCredential

from ferry.adapters.credentials import new_credential
from ferry.adapters.key_vault import KeyVault
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.secret import Secret
from ferry.emulators.launch import LaunchedEmulators
from tests.contract.transports import WatchedTransport
from tests.contract.vault_suite import VaultSuite, VersionsSuite

pytestmark = pytest.mark.emulators


@pytest.fixture(scope="module", autouse=True)
def identity(emulators: LaunchedEmulators) -> Iterator[None]:
    """The environment that Azure gives an app with a managed identity."""
    consumer = emulators.participants["consumer"]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**consumer.identity_environment, **consumer.trust_environment}.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def credential(identity: None) -> TokenCredential:
    return new_credential()


@pytest.fixture(scope="module")
def transport() -> Iterator[WatchedTransport]:
    with WatchedTransport() as transport:
        yield transport


@pytest.fixture
def vault(emulators: LaunchedEmulators, credential: TokenCredential, transport: WatchedTransport) -> KeyVault:
    vault = KeyVault(emulators.participants["consumer"].vault_url, credential=credential, transport=transport)
    # The first request is challenged; what tests count comes after it.
    vault.get("nothing")
    transport.take()
    return vault


@pytest.fixture
def protected_vault(emulators: LaunchedEmulators, vault: KeyVault) -> Iterator[KeyVault]:
    emulators.admin.configure_vault("consumer", purge_protection=True)
    yield vault
    emulators.admin.configure_vault("consumer", purge_protection=False)


class TestKeyVault(VaultSuite):
    """Secrets in Key Vault."""

    def test_each_step_costs_few_requests(self, vault: KeyVault, transport: WatchedTransport, unique_name: str) -> None:
        vault.store(unique_name, Secret("one"))
        assert transport.take() == [f"PUT {unique_name}"]
        vault.get(unique_name)
        assert transport.take() == ["GET "]
        vault.delete(unique_name)
        assert transport.take() == [f"DELETE {unique_name}"] * 2

    def test_deletion_is_purged_when_the_vault_has_settled_it(
        self, emulators: LaunchedEmulators, vault: KeyVault, unique_name: str
    ) -> None:
        emulators.admin.configure_vault("consumer", purge_delay_seconds=0.5)
        try:
            vault.store(unique_name, Secret("one"))
            started = time.monotonic()

            assert vault.delete(unique_name) is None
        finally:
            emulators.admin.configure_vault("consumer", purge_delay_seconds=0)

        assert time.monotonic() - started < 2
        names = emulators.admin.secret_names("consumer")
        assert unique_name not in {*names.live, *names.deleted}

    def test_deletion_that_broke_off_before_purging_is_finished(
        self, emulators: LaunchedEmulators, vault: KeyVault, unique_name: str
    ) -> None:
        emulators.admin.configure_vault("consumer", purge_protection=True)
        vault.store(unique_name, Secret("one"))
        vault.delete(unique_name)
        emulators.admin.configure_vault("consumer", purge_protection=False)

        assert vault.delete(unique_name) is None
        assert unique_name not in emulators.admin.secret_names("consumer").deleted

    def test_deletions_at_the_same_time_all_succeed(
        self, emulators: LaunchedEmulators, vault: KeyVault, unique_name: str
    ) -> None:
        vault.store(unique_name, Secret("one"))

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(vault.delete, [unique_name] * 4)) == [None] * 4

        names = emulators.admin.secret_names("consumer")
        assert unique_name not in {*names.live, *names.deleted}

    def test_expiry_is_told_to_the_vault(
        self, emulators: LaunchedEmulators, vault: KeyVault, credential: TokenCredential, unique_name: str
    ) -> None:
        from azure.keyvault.secrets import SecretClient

        expires_at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
        vault.store(unique_name, Secret("one"), expires_at=expires_at)

        with SecretClient(emulators.participants["consumer"].vault_url, credential) as client:
            assert client.get_secret(unique_name).properties.expires_on == expires_at


class TestVersions(VersionsSuite):
    """Versions in Key Vault."""

    @pytest.fixture
    def versioned(self, vault: KeyVault) -> KeyVault:
        return vault

    def test_disabled_version_does_not_count(
        self, emulators: LaunchedEmulators, vault: KeyVault, credential: TokenCredential, unique_name: str
    ) -> None:
        from azure.keyvault.secrets import SecretClient

        for value in ("one", "two"):
            vault.store(unique_name, Secret(value))
        (withdrawn,) = [it for it in vault.versions(unique_name, newest=5) if it.value == Secret("one")]
        with SecretClient(emulators.participants["consumer"].vault_url, credential) as client:
            client.update_secret_properties(unique_name, withdrawn.version, enabled=False)

        assert [it.value for it in vault.versions(unique_name, newest=5)] == [Secret("two")]

    def test_newest_of_more_versions_than_a_page_cost_a_request_each(
        self, vault: KeyVault, transport: WatchedTransport, unique_name: str
    ) -> None:
        for number in range(28):
            vault.store(unique_name, Secret(str(number)))
        transport.take()

        assert len(vault.versions(unique_name, newest=3)) == 3
        assert len(transport.take()) == 2 + 3


class TestFaults:
    """A vault that is slow, away or closed to us."""

    @pytest.fixture(autouse=True)
    def healed(self, emulators: LaunchedEmulators) -> Iterator[None]:
        yield
        emulators.admin.clear_vault_faults("consumer")

    @pytest.mark.parametrize("status", [429, 503])
    def test_busy_vault_is_asked_again(
        self, emulators: LaunchedEmulators, vault: KeyVault, transport: WatchedTransport, unique_name: str, status: int
    ) -> None:
        emulators.admin.fail_vault("consumer", status, calls=2)

        vault.store(unique_name, Secret("one"))

        assert transport.take() == [f"PUT {unique_name}"] * 3

    def test_vault_that_stays_busy_is_unavailable_for_now(
        self, emulators: LaunchedEmulators, vault: KeyVault, unique_name: str
    ) -> None:
        emulators.admin.fail_vault("consumer", 503)

        for operation in (
            lambda: vault.get(unique_name),
            lambda: vault.store(unique_name, Secret("hidden")),
            lambda: vault.delete(unique_name),
        ):
            with pytest.raises(EffectFailed, match="503") as caught:
                operation()
            assert caught.value.fault.code == FaultCode.VAULT_UNAVAILABLE
            assert caught.value.fault.retryable
            assert "hidden" not in str(caught.value)

    def test_vault_that_refuses_us_is_told_with_what_to_do(
        self, emulators: LaunchedEmulators, credential: TokenCredential, transport: WatchedTransport
    ) -> None:
        other = KeyVault(emulators.participants["provider"].vault_url, credential=credential, transport=transport)

        with pytest.raises(EffectFailed, match=r"reading secret x was refused \(403.*role assignment") as caught:
            other.get("x")

        assert caught.value.fault.code == FaultCode.VAULT_UNAVAILABLE
        assert caught.value.fault.retryable

    def test_vault_that_cannot_be_reached_is_noticed_within_three_seconds(
        self, emulators: LaunchedEmulators, credential: TokenCredential, unique_name: str
    ) -> None:
        vault = KeyVault(emulators.participants["consumer"].vault_url, credential=credential)
        vault.get(unique_name)
        emulators.admin.refuse_vault_connections("consumer", 30)
        started = time.monotonic()

        with pytest.raises(EffectFailed, match="no answer") as caught:
            vault.get(unique_name)

        assert time.monotonic() - started < 3
        assert caught.value.fault.retryable

    def test_vault_that_asks_for_a_long_pause_is_not_obeyed(
        self, emulators: LaunchedEmulators, credential: TokenCredential, unique_name: str
    ) -> None:
        vault = KeyVault(emulators.participants["consumer"].vault_url, credential=credential)
        vault.get(unique_name)
        emulators.admin.fail_vault("consumer", 429, calls=1, retry_after_seconds=60)
        started = time.monotonic()

        assert vault.get(unique_name) is None
        assert time.monotonic() - started < 4

    def test_missing_identity_is_told(
        self, emulators: LaunchedEmulators, monkeypatch: pytest.MonkeyPatch, unique_name: str
    ) -> None:
        monkeypatch.setenv("IDENTITY_HEADER", "wrong")
        vault = KeyVault(emulators.participants["consumer"].vault_url, credential=new_credential())

        with pytest.raises(EffectFailed, match=r"was not tried.*managed identity") as caught:
            vault.get(unique_name)

        assert caught.value.fault.retryable

    def test_name_that_no_vault_takes_is_not_worth_a_retry(self, vault: KeyVault) -> None:
        with pytest.raises(EffectFailed, match="is impossible") as caught:
            vault.store("no_underscores", Secret("one"))

        assert not caught.value.fault.retryable
