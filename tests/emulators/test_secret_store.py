"""What Key Vault does with secrets, without HTTP, on a clock that the test turns."""

import pytest

from ferry.emulators.secret_store import SecretProperties, SecretStore, VaultError

_DAY_SECONDS = 86_400


class HandClock:
    """A clock that stands until it is turned."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store(clock: HandClock) -> SecretStore:
    return SecretStore(clock=clock)


def _set(store: SecretStore, name: str, value: str) -> str:
    return store.set(name, value, SecretProperties()).version


def test_value_set_twice_newest_is_current_and_both_can_be_read(store: SecretStore) -> None:
    first = _set(store, "sas", "one")
    _set(store, "sas", "two")
    assert store.get("sas").value == "two"
    assert store.get("sas", first).value == "one"
    assert len(store.versions("sas")) == 2


def test_name_in_another_case_is_the_same_secret(store: SecretStore) -> None:
    _set(store, "Sas", "one")
    assert store.get("sAS").value == "one"


def test_secret_repr_hides_the_value(store: SecretStore) -> None:
    _set(store, "sas", "sig=abc")
    assert "sig=abc" not in repr(store.get("sas"))


@pytest.mark.parametrize(("name", "value"), [("under_score", "v"), ("n" * 128, "v"), ("big", "v" * 25_601)])
def test_bad_name_or_long_value_is_refused(store: SecretStore, name: str, value: str) -> None:
    with pytest.raises(VaultError) as refusal:
        _set(store, name, value)
    assert refusal.value.status == 400


def test_disabled_secret_cannot_be_read(store: SecretStore) -> None:
    _set(store, "sas", "one")
    store.update("sas", None, {"enabled": False})
    with pytest.raises(VaultError) as refusal:
        store.get("sas")
    assert (refusal.value.status, refusal.value.inner_code) == (403, "SecretDisabled")


def test_deleted_name_is_taken_until_it_is_purged(store: SecretStore) -> None:
    _set(store, "sas", "one")
    store.delete("sas")
    with pytest.raises(VaultError) as refusal:
        _set(store, "sas", "two")
    assert (refusal.value.status, refusal.value.inner_code) == (409, "ObjectIsDeletedButRecoverable")
    store.purge("sas")
    _set(store, "sas", "two")
    assert [version.value for version in store.versions("sas")] == ["two"]


def test_purge_while_deletion_is_under_way_conflicts(store: SecretStore, clock: HandClock) -> None:
    store.purge_delay_seconds = 5.0
    _set(store, "sas", "one")
    store.delete("sas")
    with pytest.raises(VaultError) as refusal:
        store.purge("sas")
    assert (refusal.value.status, refusal.value.inner_code) == (409, "ObjectIsBeingDeleted")
    clock.now += 5.0
    store.purge("sas")
    assert store.deleted() == []


def test_purge_under_protection_is_forbidden_and_the_secret_stays(store: SecretStore) -> None:
    store.purge_protection = True
    _set(store, "sas", "one")
    deleted = store.delete("sas")
    with pytest.raises(VaultError) as refusal:
        store.purge("sas")
    assert refusal.value.status == 403
    assert store.deleted() == [deleted]
    assert store.recovery_level == "CustomizedRecoverable"


def test_retention_over_deleted_secret_is_gone(store: SecretStore, clock: HandClock) -> None:
    store.purge_protection = True
    _set(store, "sas", "one")
    store.delete("sas")
    clock.now += 7 * _DAY_SECONDS
    assert store.deleted() == []
    _set(store, "sas", "two")


def test_recovered_secret_has_all_its_versions(store: SecretStore) -> None:
    _set(store, "sas", "one")
    _set(store, "sas", "two")
    store.delete("sas")
    assert store.recover("sas").value == "two"
    assert len(store.versions("sas")) == 2


@pytest.mark.parametrize("method", ["get", "versions", "delete", "get_deleted", "purge", "recover"])
def test_unknown_name_is_not_found(store: SecretStore, method: str) -> None:
    with pytest.raises(VaultError) as refusal:
        getattr(store, method)("unknown")
    assert refusal.value.status == 404
