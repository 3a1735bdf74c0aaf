"""Our keys in the vault: the first one is made once, whoever races; a new one is published before it signs."""

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import permutations
from typing import override

import jwt
import pytest

from ferry.adapters.clock import VirtualClock
from ferry.adapters.memory_vault import MemoryVault
from ferry.adapters.vault_signer import (
    KEPT_SECONDS,
    PUBLISHED_KEYS,
    PUBLISHED_SECONDS,
    SETTLE_SECONDS,
    VaultSigner,
    new_key,
)
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.secret import Secret
from ferry.ports.vault import SecretVersion
from tests.unit.identity.forge import key_of, pem_of, rsa_key_of

NAME = "ferry-signing-key"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def vault(clock: VirtualClock) -> MemoryVault:
    return MemoryVault(clock)


def signer_on(vault: MemoryVault, clock: VirtualClock) -> VaultSigner:
    return VaultSigner(vault, NAME, clock=clock)


def signing_kid(signer: VaultSigner) -> str:
    """The key that signs now."""
    return str(jwt.get_unverified_header(signer.sign({"x": 1}, owner="did:web:x"))["kid"]).partition("#")[2]


def published(signer: VaultSigner) -> list[str]:
    return [str(key["kid"]) for key in signer.public_keys()]


def test_first_key_is_made_once_and_signs(vault: MemoryVault, clock: VirtualClock) -> None:
    signer = signer_on(vault, clock)
    token = signer.sign({"x": 1}, owner="did:web:x")
    (key,) = signer.public_keys()
    assert jwt.decode(token, jwt.PyJWK(dict(key)), algorithms=["ES256"]) == {"x": 1}
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "typ": "JWT", "kid": f"did:web:x#{key['kid']}"}
    assert published(signer_on(vault, clock)) == [key["kid"]]
    assert len(vault.versions(NAME, newest=5)) == 1


def test_private_half_is_nowhere_but_in_the_vault(vault: MemoryVault, clock: VirtualClock) -> None:
    signer = signer_on(vault, clock)
    (key,) = signer.public_keys()
    assert key.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert "PRIVATE" not in json.dumps(key) and "PRIVATE" not in repr(signer.__dict__)


class _RacedVault(MemoryVault):
    """A vault that others write to between our look and our writing, and between our writing and the next look."""

    def __init__(self, clock: VirtualClock, before: float | None, after: float | None) -> None:
        super().__init__(clock)
        self._race_clock = clock
        self._before, self._after = before, after

    @override
    def store(self, name: str, value: Secret, *, expires_at: datetime | None = None) -> None:
        """Ours, with somebody else's before and after it."""
        if self._before is not None:
            super().store(name, Secret(new_key()))
            self._race_clock.advance(self._before)
        super().store(name, value, expires_at=expires_at)
        if self._after is not None:
            self._race_clock.advance(self._after)
            super().store(name, Secret(new_key()))


@pytest.mark.parametrize("before", [None, 0.0, 0.4, 5.0])
@pytest.mark.parametrize("after", [None, 0.0, 0.4, 5.0])
def test_whoever_makes_the_first_key_all_sign_with_one_that_all_publish(
    clock: VirtualClock, before: float | None, after: float | None
) -> None:
    vault = _RacedVault(clock, before, after)
    signers = [signer_on(vault, clock) for _ in range(3)]
    kids = {signing_kid(signer) for signer in signers}
    assert len(kids) == 1
    assert all(kids <= set(published(signer)) for signer in signers)


class _Recorded(MemoryVault):
    """A vault whose versions are given."""

    given: Sequence[SecretVersion] = ()

    @override
    def versions(self, name: str, *, newest: int) -> Sequence[SecretVersion]:
        """As given, in the order that the port promises."""
        return sorted(self.given, key=lambda it: (it.created_at, it.version))[-newest:]


def test_keys_of_the_same_second_have_one_order_for_all(clock: VirtualClock) -> None:
    versions = [SecretVersion(name, Secret(pem_of(key_of(name))), clock.now()) for name in "abc"]
    kids: set[str] = set()
    for order in permutations(versions):
        vault = _Recorded(clock)
        vault.given = order
        kids.add(signing_kid(signer_on(vault, clock)))
    assert len(kids) == 1


def test_young_key_is_looked_at_again_when_its_second_is_over(clock: VirtualClock, vault: MemoryVault) -> None:
    vault.store(NAME, Secret(new_key()))
    begun = clock.now()
    signing_kid(signer_on(vault, clock))
    assert (clock.now() - begun).total_seconds() == SETTLE_SECONDS
    clock.advance(10)
    begun = clock.now()
    signing_kid(signer_on(vault, clock))
    assert clock.now() == begun


def test_new_key_is_published_at_once_and_signs_when_everybody_can_know_it(
    vault: MemoryVault, clock: VirtualClock
) -> None:
    signer = signer_on(vault, clock)
    old = signing_kid(signer)
    clock.advance(PUBLISHED_SECONDS)
    vault.store(NAME, Secret(new_key()))
    clock.advance(KEPT_SECONDS)
    new, still = published(signer)
    assert (still, signing_kid(signer)) == (old, old)
    clock.advance(PUBLISHED_SECONDS - KEPT_SECONDS - 1)
    assert signing_kid(signer) == old
    clock.advance(KEPT_SECONDS)
    assert signing_kid(signer) == new
    assert published(signer) == [new, old]


def test_only_the_newest_keys_are_published(vault: MemoryVault, clock: VirtualClock) -> None:
    for _ in range(PUBLISHED_KEYS + 2):
        vault.store(NAME, Secret(new_key()))
        clock.advance(10)
    signer = signer_on(vault, clock)
    assert len(published(signer)) == PUBLISHED_KEYS
    assert signing_kid(signer) in published(signer)


def test_vault_is_asked_once_in_five_minutes_and_again_when_a_key_is_missing(clock: VirtualClock) -> None:
    asked: list[datetime] = []

    class Counted(MemoryVault):
        @override
        def versions(self, name: str, *, newest: int) -> Sequence[SecretVersion]:
            asked.append(clock.now())
            return super().versions(name, newest=newest)

    vault = Counted(clock)
    vault.store(NAME, Secret(new_key()))
    clock.advance(60)
    signer = signer_on(vault, clock)
    for _ in range(3):
        signing_kid(signer)
        signer.public_keys(again=True)
    assert len(asked) == 1
    clock.advance(SETTLE_SECONDS)
    signer.public_keys(again=True)
    assert len(asked) == 2
    clock.advance(KEPT_SECONDS)
    signing_kid(signer)
    assert len(asked) == 3


@pytest.mark.parametrize(
    "value", ["", "no key", pem_of(rsa_key_of("wrong kind")), pem_of(key_of("x")).replace("M", "A")]
)
def test_secret_that_is_no_key_of_ours_is_told_without_showing_it(
    vault: MemoryVault, clock: VirtualClock, value: str
) -> None:
    vault.store(NAME, Secret(value))
    clock.advance(60)
    with pytest.raises(EffectFailed) as refused:
        signer_on(vault, clock).sign({}, owner="x")
    assert refused.value.fault.code == FaultCode.VAULT_UNAVAILABLE
    assert f"secret {NAME}" in str(refused.value) and (not value or value not in str(refused.value))
