"""Which endpoint and which key an account has."""

import pytest

from ferry.adapters.clock import VirtualClock
from ferry.adapters.memory_vault import MemoryVault
from ferry.data_plane.accounts import AccountDirectory, KeyNeed, KnownAccount
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.secret import Secret
from ferry.ports.storage import Account

NEED = KeyNeed(FaultCode.SOURCE_KEY_MISSING, 8)
PRIVATE = "https://known.privatelink.example"


class Guard:
    """An egress guard that notes what it was asked and forbids some."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, url: str) -> None:
        self.asked.append(url)
        if "forbidden" in url:
            raise EffectFailed.because(FaultCode.ADDRESS_FORBIDDEN, "not this one")


@pytest.fixture
def guard() -> Guard:
    return Guard()


@pytest.fixture
def vault() -> MemoryVault:
    vault = MemoryVault(VirtualClock())
    for alias in ("known-key1", "other-key1", "special"):
        vault.store(alias, Secret(f"key of {alias}"))
    return vault


@pytest.fixture
def directory(guard: Guard) -> AccountDirectory:
    known = [KnownAccount("known", PRIVATE, "known-key1"), KnownAccount("identity", "https://identity.example")]
    return AccountDirectory(known, allow=guard, default_key_name="{account}-key1")


@pytest.mark.parametrize("endpoint", [None, PRIVATE])
def test_known_account_answers_where_the_settings_say(
    directory: AccountDirectory, guard: Guard, endpoint: str | None
) -> None:
    assert directory.endpoint("known", endpoint) == PRIVATE
    assert guard.asked == []


@pytest.mark.parametrize(
    ("name", "endpoint", "expected"),
    [
        ("known", "https://elsewhere.example", "https://elsewhere.example"),
        ("other", None, "https://other.blob.core.windows.net"),
        ("other", "http://127.0.0.1:10000/other/", "http://127.0.0.1:10000/other"),
    ],
)
def test_any_other_endpoint_passes_the_guard(
    directory: AccountDirectory, guard: Guard, name: str, endpoint: str | None, expected: str
) -> None:
    assert directory.endpoint(name, endpoint) == expected
    assert guard.asked == [expected]


@pytest.mark.parametrize(
    "endpoint", ["https://forbidden.example", "http://public.example/other", "http://10.0.0.1/other"]
)
def test_forbidden_endpoint_is_refused(directory: AccountDirectory, endpoint: str) -> None:
    with pytest.raises(EffectFailed) as caught:
        directory.endpoint("other", endpoint)
    assert (caught.value.fault.code, caught.value.fault.retryable) == (FaultCode.ADDRESS_FORBIDDEN, False)


@pytest.mark.parametrize(
    ("name", "key_name", "alias"),
    [("known", None, "known-key1"), ("known", "special", "special"), ("other", None, "other-key1")],
)
def test_key_comes_from_the_vault_by_its_alias(
    directory: AccountDirectory, vault: MemoryVault, name: str, key_name: str | None, alias: str
) -> None:
    account = directory.resolve(name, key_name, None, vault=vault, need=NEED)
    assert account.key == Secret(f"key of {alias}")
    assert alias not in repr(account)


def test_account_without_an_alias_is_used_by_identity(directory: AccountDirectory, vault: MemoryVault) -> None:
    account = directory.resolve("identity", None, None, vault=vault, need=NEED)
    assert account == Account("identity", "https://identity.example")


@pytest.mark.parametrize("retryable", [False, True])
def test_missing_key_is_told_with_the_callers_code(
    directory: AccountDirectory, vault: MemoryVault, retryable: bool
) -> None:
    need = KeyNeed(FaultCode.DESTINATION_KEY_MISSING, 2, retryable)
    with pytest.raises(EffectFailed) as caught:
        directory.resolve("third", None, None, vault=vault, need=need)
    fault = caught.value.fault
    assert (fault.code, fault.step, fault.retryable) == (FaultCode.DESTINATION_KEY_MISSING, 2, retryable)
    assert "'third-key1'" in fault.message and "FERRY_ACCOUNTS" in fault.message


@pytest.mark.parametrize(
    ("endpoint", "may_read"),
    [
        (PRIVATE, True),
        ("https://other.blob.core.windows.net", True),
        ("http://127.0.0.1:10000/other", True),
        ("https://peer.example", False),
        ("https://other.blob.core.windows.net.peer.example", False),
        ("https://blob.core.windows.net.peer.example", False),
        ("http://other.blob.core.windows.net", False),
        (f"{PRIVATE}.peer.example", False),
    ],
)
def test_only_azure_a_known_account_or_this_machine_may_read_our_blobs(
    directory: AccountDirectory, endpoint: str, may_read: bool
) -> None:
    assert directory.may_read_source(endpoint) is may_read
