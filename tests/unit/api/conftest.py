"""A consumer and a provider on memory adapters, and a client of each."""

import pytest

from tests.unit.api.client import Client, client_of
from tests.world.participants import Pair, make_pair


@pytest.fixture
def pair() -> Pair:
    """Two participants with one asset, agreed on."""
    return make_pair()


@pytest.fixture
def consumer(pair: Pair) -> Client:
    """A client of the consumer."""
    return client_of(pair.consumer)


@pytest.fixture
def provider(pair: Pair) -> Client:
    """A client of the provider."""
    return client_of(pair.provider)
