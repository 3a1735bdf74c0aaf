"""The Key Vault emulator, spoken to through the ordinary SDK as a participant."""

import ssl
import time
from collections.abc import Iterator

import httpx2
import pytest
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError, ServiceRequestError
from azure.identity import DefaultAzureCredential
from azure.keyvault.secrets import SecretClient

from ferry.emulators.launch import LaunchedEmulators
from ferry.emulators.resources import ParticipantResources
from ferry.emulators.vault_access import EmulatedIdentityCredential, seed_account_keys, vault_client

pytestmark = pytest.mark.emulators


@pytest.fixture
def consumer(emulators: LaunchedEmulators) -> Iterator[ParticipantResources]:
    yield emulators.participants["consumer"]
    emulators.admin.clear_vault_faults("consumer")
    emulators.admin.configure_vault("consumer", purge_protection=False, purge_delay_seconds=0.0)


@pytest.fixture
def vault(consumer: ParticipantResources) -> Iterator[SecretClient]:
    with vault_client(consumer) as client:
        yield client


def _client_without_retries(resources: ParticipantResources) -> SecretClient:
    return SecretClient(
        resources.vault_url,
        EmulatedIdentityCredential(resources),
        connection_verify=str(resources.certificate_path),
        retry_total=0,
    )


def test_default_credential_of_an_app_service_app_reads_its_vault(
    consumer: ParticipantResources, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed_account_keys(consumer)
    for name, value in consumer.environment().items():
        monkeypatch.setenv(name, value)
    with DefaultAzureCredential() as credential, SecretClient(consumer.vault_url, credential) as client:
        assert client.get_secret(consumer.data_storage.name).value == consumer.data_storage.key


def test_versions_tags_and_attributes_come_back(vault: SecretClient, unique_name: str) -> None:
    first = vault.set_secret(unique_name, "one", tags={"process": "p"}, content_type="text/plain")
    vault.set_secret(unique_name, "two")
    assert first.properties.version is not None
    read = vault.get_secret(unique_name, first.properties.version)
    assert (read.value, read.properties.tags, read.properties.content_type) == ("one", {"process": "p"}, "text/plain")
    assert read.properties.created_on is not None
    assert vault.get_secret(unique_name).value == "two"
    versions = [version.version for version in vault.list_properties_of_secret_versions(unique_name)]
    assert len(set(versions)) == 2


def test_updated_properties_are_kept(vault: SecretClient, unique_name: str) -> None:
    vault.set_secret(unique_name, "one")
    vault.update_secret_properties(unique_name, enabled=False, tags={"a": "b"})
    with pytest.raises(HttpResponseError) as refusal:
        vault.get_secret(unique_name)
    assert refusal.value.status_code == 403


def test_more_secrets_than_a_page_are_all_listed(vault: SecretClient, unique_name: str) -> None:
    names = {f"{unique_name}-{number}" for number in range(60)}
    for name in names:
        vault.set_secret(name, "x")
    pages = [list(page) for page in vault.list_properties_of_secrets().by_page()]
    listed = {secret.name for page in pages for secret in page}
    assert names <= listed
    assert max(len(page) for page in pages) <= 25


def test_deleted_and_purged_secret_leaves_no_name(
    emulators: LaunchedEmulators, vault: SecretClient, unique_name: str
) -> None:
    vault.set_secret(unique_name, "one")
    vault.begin_delete_secret(unique_name)
    with pytest.raises(ResourceNotFoundError):
        vault.get_secret(unique_name)
    assert unique_name in emulators.admin.secret_names("consumer").deleted
    with pytest.raises(ResourceExistsError):
        vault.set_secret(unique_name, "two")
    vault.purge_deleted_secret(unique_name)
    names = emulators.admin.secret_names("consumer")
    assert unique_name not in [*names.live, *names.deleted]


def test_recovered_secret_can_be_read(vault: SecretClient, unique_name: str) -> None:
    vault.set_secret(unique_name, "one")
    vault.begin_delete_secret(unique_name)
    vault.begin_recover_deleted_secret(unique_name)
    assert vault.get_secret(unique_name).value == "one"


def test_purge_before_the_deletion_has_settled_conflicts(
    emulators: LaunchedEmulators, vault: SecretClient, unique_name: str
) -> None:
    emulators.admin.configure_vault("consumer", purge_delay_seconds=0.3)
    vault.set_secret(unique_name, "one")
    vault.begin_delete_secret(unique_name)
    with pytest.raises(HttpResponseError) as refusal:
        vault.purge_deleted_secret(unique_name)
    assert refusal.value.status_code == 409
    time.sleep(0.35)
    vault.purge_deleted_secret(unique_name)


def test_purge_under_protection_is_forbidden_and_the_purge_date_is_told(
    emulators: LaunchedEmulators, vault: SecretClient, unique_name: str
) -> None:
    emulators.admin.configure_vault("consumer", purge_protection=True)
    vault.set_secret(unique_name, "one")
    vault.begin_delete_secret(unique_name)
    with pytest.raises(HttpResponseError) as refusal:
        vault.purge_deleted_secret(unique_name)
    assert refusal.value.status_code == 403
    assert vault.get_deleted_secret(unique_name).scheduled_purge_date is not None


def test_other_participants_vault_is_forbidden(emulators: LaunchedEmulators, consumer: ParticipantResources) -> None:
    provider = emulators.participants["provider"]
    with (
        SecretClient(
            provider.vault_url,
            EmulatedIdentityCredential(consumer),
            connection_verify=str(provider.certificate_path),
        ) as client,
        pytest.raises(HttpResponseError) as refusal,
    ):
        client.get_secret("anything")
    assert refusal.value.status_code == 403


def test_token_for_another_service_is_challenged(consumer: ParticipantResources) -> None:
    token = EmulatedIdentityCredential(consumer).get_token("https://storage.azure.com/.default").token
    answer = httpx2.get(
        f"{consumer.vault_url}/secrets/any?api-version=7.6",
        headers={"Authorization": f"Bearer {token}"},
        verify=ssl.create_default_context(cafile=consumer.certificate_path),
        trust_env=False,
    )
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization=")


def test_planned_failures_are_survived_by_the_sdks_retries(
    emulators: LaunchedEmulators, vault: SecretClient, unique_name: str
) -> None:
    vault.set_secret(unique_name, "one")
    emulators.admin.clear_vault_calls("consumer")
    emulators.admin.fail_vault("consumer", 503, calls=2, retry_after_seconds=0)
    assert vault.get_secret(unique_name).value == "one"
    assert [call.status for call in emulators.admin.vault_calls("consumer")] == [503, 503, 200]


def test_throttled_vault_answers_429_until_cleared(
    emulators: LaunchedEmulators, consumer: ParticipantResources
) -> None:
    emulators.admin.fail_vault("consumer", 429)
    with _client_without_retries(consumer) as client, pytest.raises(HttpResponseError) as refusal:
        client.get_secret("any")
    assert refusal.value.status_code == 429
    emulators.admin.clear_vault_faults("consumer")
    with _client_without_retries(consumer) as client, pytest.raises(ResourceNotFoundError):
        client.get_secret("any")


def test_refused_connections_end_by_themselves_on_the_same_port(
    emulators: LaunchedEmulators, consumer: ParticipantResources, vault: SecretClient, unique_name: str
) -> None:
    vault.set_secret(unique_name, "one")
    emulators.admin.refuse_vault_connections("consumer", 0.5)
    with _client_without_retries(consumer) as client, pytest.raises(ServiceRequestError):
        client.get_secret(unique_name)
    time.sleep(0.6)
    with _client_without_retries(consumer) as client:
        assert client.get_secret(unique_name).value == "one"


def test_call_log_has_paths_and_no_values(emulators: LaunchedEmulators, vault: SecretClient, unique_name: str) -> None:
    emulators.admin.clear_vault_calls("consumer")
    vault.set_secret(unique_name, "the-value")
    calls = emulators.admin.vault_calls("consumer")
    assert ("PUT", f"/secrets/{unique_name}", 200) in [(call.method, call.path, call.status) for call in calls]
    assert "the-value" not in repr(calls)
