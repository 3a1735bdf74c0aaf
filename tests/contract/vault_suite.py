"""What every Vault does; a test module gives the fixtures `vault` and `protected_vault` and subclasses this."""

from datetime import UTC, datetime, timedelta

import pytest

from ferry.domain.secret import Secret
from ferry.ports.vault import Vault, VersionedSecrets


class VersionsSuite:
    """Secrets whose earlier values count; a test module gives the fixture `versioned`."""

    def test_unknown_secret_has_no_versions(self, versioned: VersionedSecrets, unique_name: str) -> None:
        assert not versioned.versions(unique_name, newest=5)

    def test_every_value_is_a_version_of_its_own(self, versioned: VersionedSecrets, unique_name: str) -> None:
        for value in ("one", "two", "two"):
            versioned.store(unique_name, Secret(value))

        found = versioned.versions(unique_name, newest=5)

        assert sorted(it.value.reveal() for it in found) == ["one", "two", "two"]
        assert len({it.version for it in found}) == 3
        assert all(it.created_at.tzinfo is not None and it.created_at.microsecond == 0 for it in found)
        assert [(it.created_at, it.version) for it in found] == sorted((it.created_at, it.version) for it in found)

    def test_others_have_versions_of_their_own(self, versioned: VersionedSecrets, unique_name: str) -> None:
        versioned.store(f"{unique_name}-2", Secret("two"))
        versioned.store(unique_name, Secret("one"))

        assert [it.value for it in versioned.versions(unique_name, newest=5)] == [Secret("one")]


class VaultSuite:
    """Secrets."""

    def test_unknown_secret_is_none(self, vault: Vault, unique_name: str) -> None:
        assert vault.get(unique_name) is None

    @pytest.mark.parametrize("value", ["sv=2026-06-06&sig=a%2Bb%3D", "ünïcödé", "x" * 20_000])
    def test_stored_secret_is_read(self, vault: Vault, unique_name: str, value: str) -> None:
        vault.store(unique_name, Secret(value), expires_at=datetime.now(UTC) + timedelta(hours=1))

        assert vault.get(unique_name) == Secret(value)

    def test_secret_can_be_stored_again_and_changed(self, vault: Vault, unique_name: str) -> None:
        vault.store(unique_name, Secret("one"))
        vault.store(unique_name, Secret("one"))
        assert vault.get(unique_name) == Secret("one")

        vault.store(unique_name, Secret("two"))
        assert vault.get(unique_name) == Secret("two")

    def test_names_differ_without_regard_to_case(self, vault: Vault, unique_name: str) -> None:
        vault.store(f"Key-{unique_name}", Secret("one"))

        assert vault.get(f"key-{unique_name}") == Secret("one")

    def test_deleted_secret_is_gone_and_its_name_is_free(self, vault: Vault, unique_name: str) -> None:
        vault.store(unique_name, Secret("one"))

        assert vault.delete(unique_name) is None
        assert vault.get(unique_name) is None

        vault.store(unique_name, Secret("two"))
        assert vault.get(unique_name) == Secret("two")

    def test_missing_secret_can_be_deleted(self, vault: Vault, unique_name: str) -> None:
        assert vault.delete(unique_name) is None
        vault.store(unique_name, Secret("one"))
        vault.delete(unique_name)
        assert vault.delete(unique_name) is None

    def test_other_secrets_stay(self, vault: Vault, unique_name: str) -> None:
        vault.store(unique_name, Secret("one"))
        vault.store(f"{unique_name}-2", Secret("two"))

        vault.delete(unique_name)

        assert vault.get(f"{unique_name}-2") == Secret("two")

    def test_protected_vault_says_when_it_will_purge(self, protected_vault: Vault, unique_name: str) -> None:
        protected_vault.store(unique_name, Secret("one"))

        purge_at = protected_vault.delete(unique_name)

        assert protected_vault.get(unique_name) is None
        assert purge_at is not None
        assert purge_at.tzinfo is not None
        assert protected_vault.delete(unique_name) == purge_at

    def test_name_of_a_secret_that_awaits_its_purge_can_be_used(self, protected_vault: Vault, unique_name: str) -> None:
        protected_vault.store(unique_name, Secret("one"))
        protected_vault.delete(unique_name)

        protected_vault.store(unique_name, Secret("two"))

        assert protected_vault.get(unique_name) == Secret("two")
