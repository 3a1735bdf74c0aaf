"""Emulators for the whole suite, started at the first test that asks for them, once per test process."""

import uuid
from collections.abc import Iterator

import pytest

from ferry.emulators.azurite import Azurite, StorageAccount, new_account_key, start_azurite
from ferry.emulators.launch import LaunchedEmulators, launch_emulators

SOURCE_ACCOUNT = "ferrysource"
DESTINATION_ACCOUNT = "ferrydestination"


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """Azurite over plain HTTP with a source and a destination account; shared, so use names of your own."""
    with start_azurite({SOURCE_ACCOUNT: new_account_key(), DESTINATION_ACCOUNT: new_account_key()}) as running:
        yield running


@pytest.fixture(scope="session")
def source_account(azurite: Azurite) -> StorageAccount:
    """The account that blobs are copied from."""
    return azurite.account(SOURCE_ACCOUNT)


@pytest.fixture(scope="session")
def destination_account(azurite: Azurite) -> StorageAccount:
    """The account that blobs are copied to."""
    return azurite.account(DESTINATION_ACCOUNT)


@pytest.fixture(scope="session")
def emulators() -> Iterator[LaunchedEmulators]:
    """The whole stack for a consumer and a provider, in a process of its own, with a relay for storage faults."""
    with launch_emulators(("consumer", "provider"), relay=True) as launched:
        yield launched


@pytest.fixture(scope="session")
def keyless_emulators() -> Iterator[LaunchedEmulators]:
    """The stack with Azurite over TLS that accepts the tokens of managed identities."""
    with launch_emulators(("consumer", "provider"), https=True, oauth=True) as launched:
        yield launched


@pytest.fixture
def unique_name() -> str:
    """A name that no other test uses, fit for a container, a queue, a table or a secret."""
    return f"t{uuid.uuid4().hex}"
