"""Blob triggers with Event Grid source on running hosts."""

import base64
import json
from collections.abc import Iterator

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient, ContainerClient, ContentSettings
from azure.storage.queue import QueueClient

from ferry.devhost.blob_trigger import POISON_QUEUE
from tests.devhost.conftest import HostStarter
from tests.devhost.running_host import HostPlace, RunningHost, wait_until

pytestmark = pytest.mark.emulators

WEBHOOK = "/runtime/webhooks/blobs?functionName=Host.Functions.arrived"


@pytest.fixture
def container(place: HostPlace) -> Iterator[ContainerClient]:
    with BlobServiceClient.from_connection_string(place.data_account.connection_string) as service:
        container = service.get_container_client(f"c-{place.id}")
        container.create_container()
        yield container


def created(container: str, *names: str) -> bytes:
    return json.dumps(
        [
            {
                "eventType": "Microsoft.Storage.BlobCreated",
                "subject": f"/blobServices/default/containers/{container}/blobs/{name}",
                "data": {"api": "PutBlob", "blobType": "BlockBlob"},
            }
            for name in names
        ]
    ).encode()


def is_poisoned(place: HostPlace, container: str) -> bool:
    with QueueClient.from_connection_string(place.data_account.connection_string, POISON_QUEUE) as client:
        try:
            texts = [base64.b64decode(message.content).decode() for message in client.peek_messages(32)]
        except ResourceNotFoundError:
            return False
    return any(container in text for text in texts)


def announce(host: RunningHost, container: str, *names: str) -> int:
    return host.request("POST", WEBHOOK, created(container, *names), {"aeg-event-type": "Notification"}).status


def test_handshake_returns_the_code(start_host: HostStarter) -> None:
    host = start_host().wait_until_ready()
    event = {"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "abc"}}
    answer = host.request("POST", WEBHOOK, json.dumps([event]).encode(), {"aeg-event-type": "SubscriptionValidation"})
    assert (answer.status, answer.json()) == (200, {"validationResponse": "abc"})


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/runtime/webhooks/blobs?functionName=Host.Functions.nobody", b"[]", 404),
        ("POST", "/runtime/webhooks/blobs", b"[]", 404),
        ("GET", WEBHOOK, b"", 404),
        ("POST", "/runtime/webhooks/eventgrid", b"[]", 404),
        ("POST", WEBHOOK, b"{", 400),
    ],
)
def test_wrong_delivery_is_refused(shared_host: RunningHost, method: str, path: str, body: bytes, status: int) -> None:
    assert shared_host.request(method, path, body).status == status


def test_event_runs_the_function_with_the_blob(
    place: HostPlace, start_host: HostStarter, container: ContainerClient
) -> None:
    host = start_host().wait_until_ready()
    settings = ContentSettings(content_type="text/x-test")
    container.upload_blob("deep/name.complete", b"content", metadata={"k": "v"}, content_settings=settings)
    assert announce(host, container.container_name, "deep/name.complete") == 202
    line = place.wait_for_lines("blob", 1)[0]
    properties = line.pop("properties")
    assert isinstance(properties, dict)
    assert properties["ContentType"] == "text/x-test"
    assert {key: line[key] for key in ("name", "uri", "length", "content", "metadata")} == {
        "name": f"{container.container_name}/deep/name.complete",
        "uri": f"{place.data_account.blob_endpoint}/{container.container_name}/deep/name.complete",
        "length": 7,
        "content": "content",
        "metadata": {"k": "v"},
    }


def test_event_of_a_blob_that_is_gone_is_dropped(
    place: HostPlace, start_host: HostStarter, container: ContainerClient
) -> None:
    host = start_host().wait_until_ready()
    container.upload_blob("there.complete", b"x")
    assert announce(host, container.container_name, "gone.complete", "there.complete") == 202
    place.wait_for_lines("blob", 1)
    host.wait_until_logged("gone.complete is gone")
    assert len(place.lines("blob")) == 1


def test_failing_blob_goes_to_poison_in_the_data_account(
    place: HostPlace, start_host: HostStarter, container: ContainerClient
) -> None:
    host = start_host().wait_until_ready()
    container.upload_blob("bad.complete", b"fail")
    assert announce(host, container.container_name, "bad.complete") == 202
    host.wait_until_logged("webjobs-blobtrigger-poison")
    assert len(place.lines("blob")) == 5

    wait_until(lambda: is_poisoned(place, container.container_name), 5, "the poison message")


def test_blob_function_runs_by_hand_on_a_path(
    place: HostPlace, start_host: HostStarter, container: ContainerClient
) -> None:
    host = start_host().wait_until_ready()
    container.upload_blob("hand.complete", b"by hand")
    text = json.dumps({"input": f"{container.container_name}/hand.complete"}).encode()
    assert host.request("POST", "/admin/functions/arrived", text).status == 202
    assert place.wait_for_lines("blob", 1)[0]["content"] == "by hand"
