"""The lists of blobs in a container: the contract suite on Azurite, request counts, lost replies, identity."""

from collections.abc import Iterator

import pytest

from ferry.adapters.blob_manifests import BlobPageManifests
from ferry.adapters.credentials import new_credential
from ferry.adapters.storage_connection import StorageConnection, read_connection
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.secret import Secret
from ferry.emulators.launch import LaunchedEmulators
from tests.contract.page_manifests_suite import PageManifestsSuite
from tests.contract.transports import WatchedTransport

pytestmark = pytest.mark.emulators


@pytest.fixture(scope="module")
def transport() -> Iterator[WatchedTransport]:
    with WatchedTransport() as transport:
        yield transport


@pytest.fixture
def manifests(emulators: LaunchedEmulators, transport: WatchedTransport, unique_name: str) -> BlobPageManifests:
    """A container of this test alone, which does not exist yet."""
    transport.take()
    text = emulators.participants["consumer"].host_storage.connection_string
    return BlobPageManifests(StorageConnection(Secret(text)), unique_name, transport=transport)


class TestBlobPageManifests(PageManifestsSuite):
    """On Azurite."""


def test_list_costs_one_request_once_there_is_a_container(
    manifests: BlobPageManifests, transport: WatchedTransport
) -> None:
    manifests.keep("flow", 0, b"x")
    transport.take()

    manifests.keep("flow", 1, b"x")
    assert transport.take() == ["PUT 00000001"]
    manifests.read("flow", 1)
    assert transport.take() == ["GET 00000001"]
    manifests.keep("flow", 1, b"y")
    assert transport.take() == ["PUT 00000001", "GET 00000001"]


def test_lost_reply_leaves_the_list_as_it_is(manifests: BlobPageManifests, transport: WatchedTransport) -> None:
    manifests.keep("flow", 0, b"x")
    transport.replies_to_lose = 1

    assert manifests.keep("flow", 1, b"mine") == b"mine"


def test_storage_that_is_away_is_told_as_a_fault_that_may_pass(
    manifests: BlobPageManifests, transport: WatchedTransport
) -> None:
    transport.requests_to_refuse = 9
    with pytest.raises(EffectFailed) as caught:
        manifests.read("flow", 0)
    transport.requests_to_refuse = 0
    assert (caught.value.fault.code, caught.value.fault.retryable) == (FaultCode.STORAGE_UNAVAILABLE, True)


def test_list_is_kept_without_a_key(
    keyless_emulators: LaunchedEmulators, monkeypatch: pytest.MonkeyPatch, unique_name: str
) -> None:
    consumer = keyless_emulators.participants["consumer"]
    for name, value in {**consumer.identity_environment, **consumer.trust_environment}.items():
        monkeypatch.setenv(name, value)
    storage = consumer.host_storage
    environment = {
        "S__tableServiceUri": storage.table_endpoint,
        "S__queueServiceUri": storage.queue_endpoint,
        "S__blobServiceUri": storage.blob_endpoint,
    }
    with WatchedTransport() as transport:
        lists = BlobPageManifests(
            read_connection(environment, "S"), unique_name, credential=new_credential(), transport=transport
        )
        lists.keep("flow", 0, b"x")
        assert lists.read("flow", 0) == b"x"
