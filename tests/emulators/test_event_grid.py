"""Event Grid's stand-in: what a Functions host gets to hear, and when."""

# The SDKs leave their keyword arguments without types.
# pyright: reportUnknownMemberType=false

import datetime as dt
import json
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.storage.blob import BlobBlock, BlobClient, BlobServiceClient, ContainerClient, generate_container_sas

from ferry.emulators.admin_client import AdminError, SubscriptionStatus
from ferry.emulators.launch import LaunchedEmulators
from ferry.emulators.loopback_server import LoopbackServer, Request, Response
from ferry.emulators.resources import ParticipantResources

pytestmark = pytest.mark.emulators

_WEBHOOK = "/runtime/webhooks/blobs?functionName=Host.Functions.on_complete&code=secret"


class Host:
    """A Functions host's webhook: consents to subscriptions and keeps the events."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.arrived_at: list[float] = []
        self.requests: list[Request] = []
        self.statuses: list[int] = []
        self.server = LoopbackServer(self._answer)
        self.webhook = f"{self.server.url}{_WEBHOOK}"

    def _answer(self, request: Request) -> Response:
        self.requests.append(request)
        status = self.statuses.pop(0) if self.statuses else 202
        if status != 202:
            return Response(status)
        [event] = _json_array(request)
        if event["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent":
            return Response(200, {"validationResponse": event["data"]["validationCode"]})
        self.arrived_at.append(time.monotonic())
        self.events.append(event)
        return Response(202)


@pytest.fixture
def host() -> Iterator[Host]:
    running = Host()
    yield running
    running.server.close()


@pytest.fixture
def consumer(emulators: LaunchedEmulators) -> Iterator[ParticipantResources]:
    yield emulators.participants["consumer"]
    for subscription in emulators.admin.subscriptions():
        emulators.admin.unsubscribe(subscription.id)


@pytest.fixture
def container(consumer: ParticipantResources, unique_name: str) -> Iterator[ContainerClient]:
    with BlobServiceClient.from_connection_string(consumer.data_storage.connection_string) as blobs:
        yield blobs.create_container(f"ferry-{unique_name}")


def _json_array(request: Request) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = json.loads(request.body)
    return events


def _eventually(holds: Callable[[], bool], timeout_seconds: float = 5.0) -> None:
    deadline = time.monotonic() + timeout_seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold in time"
        time.sleep(0.005)


def _status(emulators: LaunchedEmulators, subscription: SubscriptionStatus) -> SubscriptionStatus:
    return next(known for known in emulators.admin.subscriptions() if known.id == subscription.id)


def _subscribe(emulators: LaunchedEmulators, consumer: ParticipantResources, host: Host) -> SubscriptionStatus:
    subscription = emulators.admin.subscribe(consumer.data_storage.name, host.webhook)
    _eventually(lambda: _status(emulators, subscription).state == "Active")
    return subscription


def test_marker_written_event_arrives_at_once_with_what_event_grid_says(
    emulators: LaunchedEmulators, consumer: ParticipantResources, host: Host, container: ContainerClient
) -> None:
    _subscribe(emulators, consumer, host)
    written = container.upload_blob(".complete", b"marker")
    written_at = time.monotonic()
    _eventually(lambda: len(host.events) == 1)
    [event] = host.events
    assert event["eventType"] == "Microsoft.Storage.BlobCreated"
    assert event["subject"] == f"/blobServices/default/containers/{container.container_name}/blobs/.complete"
    assert event["data"]["url"] == written.url
    assert event["data"]["contentLength"] == 6
    assert event["data"]["eTag"] == str(written.get_blob_properties().etag).strip('"')
    assert event["topic"].endswith(f"/storageAccounts/{consumer.data_storage.name}")
    assert host.arrived_at[0] - written_at < 0.5


def test_notification_is_sent_to_the_function_with_its_key_and_kind(
    emulators: LaunchedEmulators, consumer: ParticipantResources, host: Host, container: ContainerClient
) -> None:
    _subscribe(emulators, consumer, host)
    container.upload_blob(".complete", b"")
    _eventually(lambda: len(host.events) == 1)
    validation, notification = host.requests
    assert (validation.headers["aeg-event-type"], notification.headers["aeg-event-type"]) == (
        "SubscriptionValidation",
        "Notification",
    )
    assert notification.path == urlsplit(host.webhook).path
    assert notification.query == {"functionName": "Host.Functions.on_complete", "code": "secret"}


def test_marker_through_a_sas_is_announced(
    emulators: LaunchedEmulators, consumer: ParticipantResources, host: Host, container: ContainerClient
) -> None:
    _subscribe(emulators, consumer, host)
    expiry = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    account = consumer.data_storage
    name = container.container_name
    sas = generate_container_sas(account.name, name, account_key=account.key, permission="cw", expiry=expiry)
    with BlobClient.from_blob_url(f"{account.blob_endpoint}/{name}/.complete?{sas}") as blob:
        blob.upload_blob(b"x")
    _eventually(lambda: len(host.events) == 1)
    assert "sig=" not in str(host.events)


def test_block_list_and_copy_are_announced_with_their_length(
    emulators: LaunchedEmulators, consumer: ParticipantResources, host: Host, container: ContainerClient
) -> None:
    _subscribe(emulators, consumer, host)
    blocks = container.get_blob_client("blocks.complete")
    blocks.stage_block("AAAA", b"0123456789")
    blocks.commit_block_list([BlobBlock("AAAA")])
    container.get_blob_client("copy.complete").start_copy_from_url(blocks.url)
    _eventually(lambda: len(host.events) == 2)
    shown = {event["subject"].rsplit("/", 1)[1]: event["data"] for event in host.events}
    assert {name: (data["api"], data["contentLength"]) for name, data in shown.items()} == {
        "blocks.complete": ("PutBlockList", 10),
        "copy.complete": ("CopyBlob", 10),
    }


def test_what_the_filter_leaves_out_is_not_announced(
    emulators: LaunchedEmulators, consumer: ParticipantResources, host: Host, container: ContainerClient
) -> None:
    subscription = _subscribe(emulators, consumer, host)
    with BlobServiceClient.from_connection_string(consumer.data_storage.connection_string) as blobs:
        blobs.create_container(container.container_name.removeprefix("ferry-")).upload_blob(".complete", b"")
    container.upload_blob("data.bin", b"")
    container.upload_blob(".complete", b"")
    container.get_blob_client(".complete").delete_blob()
    container.upload_blob("a folder/x .complete", b"")
    _eventually(lambda: _status(emulators, subscription).delivered == 2)
    names = {event["subject"].split("/blobs/")[1] for event in host.events}
    assert names == {".complete", "a folder/x .complete"}


def test_overwritten_marker_is_announced_again(
    emulators: LaunchedEmulators, consumer: ParticipantResources, host: Host, container: ContainerClient
) -> None:
    _subscribe(emulators, consumer, host)
    for content in (b"1", b"2"):
        container.upload_blob(".complete", content, overwrite=True)
    _eventually(lambda: len(host.events) == 2)
    assert len({event["data"]["eTag"] for event in host.events}) == 2


def test_refused_write_is_not_announced(
    emulators: LaunchedEmulators, consumer: ParticipantResources, host: Host, container: ContainerClient
) -> None:
    subscription = _subscribe(emulators, consumer, host)
    container.upload_blob("1.complete", b"")
    with pytest.raises(Exception, match="BlobAlreadyExists"):
        container.upload_blob("1.complete", b"")
    container.upload_blob("2.complete", b"")
    _eventually(lambda: _status(emulators, subscription).delivered == 2)
    assert len(host.events) == 2


def test_busy_host_hears_of_the_marker_later(
    emulators: LaunchedEmulators, consumer: ParticipantResources, host: Host, container: ContainerClient
) -> None:
    subscription = _subscribe(emulators, consumer, host)
    host.statuses = [503, 500]
    container.upload_blob(".complete", b"")
    _eventually(lambda: _status(emulators, subscription).delivered == 1)
    assert len(host.events) == 1


def test_host_that_answers_400_drops_the_event(
    emulators: LaunchedEmulators, consumer: ParticipantResources, host: Host, container: ContainerClient
) -> None:
    subscription = _subscribe(emulators, consumer, host)
    host.statuses = [400]
    container.upload_blob(".complete", b"")
    _eventually(lambda: _status(emulators, subscription).dropped == 1)
    assert host.events == []


def test_host_that_starts_late_consents_late_and_misses_nothing(
    emulators: LaunchedEmulators, consumer: ParticipantResources, host: Host, container: ContainerClient
) -> None:
    host.server.refuse_for(0.4)
    subscription = emulators.admin.subscribe(consumer.data_storage.name, host.webhook)
    container.upload_blob(".complete", b"")
    assert _status(emulators, subscription).state == "AwaitingValidation"
    _eventually(lambda: len(host.events) == 1)


def test_host_without_consent_hears_nothing(
    emulators: LaunchedEmulators, consumer: ParticipantResources, host: Host, container: ContainerClient
) -> None:
    host.statuses = [200] * 1000
    subscription = emulators.admin.subscribe(consumer.data_storage.name, host.webhook)
    container.upload_blob(".complete", b"")
    _eventually(lambda: len(host.requests) >= 2)
    assert _status(emulators, subscription).state == "AwaitingValidation"
    assert host.events == []


def test_ended_subscription_is_silent(
    emulators: LaunchedEmulators, consumer: ParticipantResources, host: Host, container: ContainerClient
) -> None:
    ended = _subscribe(emulators, consumer, host)
    other = Host()
    try:
        emulators.admin.unsubscribe(ended.id)
        _subscribe(emulators, consumer, other)
        container.upload_blob(".complete", b"")
        _eventually(lambda: len(other.events) == 1)
    finally:
        other.server.close()
    assert host.events == []


def test_waiting_for_events_costs_no_storage_request(
    emulators: LaunchedEmulators, consumer: ParticipantResources, host: Host
) -> None:
    _subscribe(emulators, consumer, host)
    since = emulators.admin.last_request_sequence()
    time.sleep(0.5)
    assert emulators.admin.request_counts(since) == []


def test_account_of_nobody_cannot_be_subscribed_to(emulators: LaunchedEmulators, host: Host) -> None:
    with pytest.raises(AdminError, match="404"):
        emulators.admin.subscribe("nobody", host.webhook)
