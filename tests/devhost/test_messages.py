"""HTTP messages, queue messages and Event Grid deliveries on their way to and from the worker."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from ferry.devhost.blob_events import BlobMessage, Handshake, Notification, read_events
from ferry.devhost.connections import StorageConnection
from ferry.devhost.errors import WebhookError
from ferry.devhost.http_messages import (
    BodyTooLargeError,
    ClientLeftError,
    Request,
    Response,
    from_return_value,
    read_request,
    send_response,
)
from ferry.devhost.message_queue import MessageQueue, ReceivedMessage
from ferry.devhost.outputs import message_bodies
from ferry.devhost.protos import PROTOS, TypedData
from ferry.devhost.queue_listener import Backoff
from ferry.devhost.queue_trigger import message_metadata

NOW = datetime(2026, 11, 23, tzinfo=UTC)
MESSAGE = ReceivedMessage("id-1", "text", "receipt", 2, NOW, NOW, NOW)
SUBJECT = "/blobServices/default/containers/c/blobs/a/b.complete"


def read(
    headers: list[tuple[bytes, bytes]], *parts: dict[str, object], query: bytes = b"", limit_bytes: int = 100
) -> Request:
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "raw_path": b"/api/a%20b",
        "query_string": query,
        "headers": [(b"Host", b"h:1"), *headers],
    }
    queue = list(parts)

    async def receive() -> dict[str, object]:
        return queue.pop(0)

    return asyncio.run(read_request(scope, receive, limit_bytes=limit_bytes))


def test_request_has_lower_case_joined_headers_and_joined_query() -> None:
    request = read([(b"X-A", b"1"), (b"x-a", b"2")], query=b"q=1&q=2&empty=&r=%20")
    assert request.headers == {"host": "h:1", "x-a": "1,2"}
    assert request.query == {"q": "1,2", "r": " "}
    assert request.url == "http://h:1/api/a%20b?q=1&q=2&empty=&r=%20"


def test_body_with_length_is_read_in_parts() -> None:
    parts: list[dict[str, object]] = [
        {"type": "http.request", "body": b"ab", "more_body": True},
        {"type": "http.request", "body": b"c"},
    ]
    assert read([(b"Content-Length", b"3")], *parts).body == b"abc"


def test_body_without_length_does_not_reach_the_function() -> None:
    assert read([(b"Transfer-Encoding", b"chunked")], {"type": "http.request", "body": b"abc"}).body == b""


def test_body_above_the_limit_is_refused() -> None:
    with pytest.raises(BodyTooLargeError):
        read([(b"content-length", b"101")])


def test_client_that_leaves_is_noticed() -> None:
    with pytest.raises(ClientLeftError):
        read([(b"content-length", b"3")], {"type": "http.disconnect"})


def sent(response: Response) -> list[Mapping[str, object]]:
    messages: list[Mapping[str, object]] = []

    async def send(message: Mapping[str, object]) -> None:
        messages.append(message)

    asyncio.run(send_response(send, response))
    return messages


def test_response_carries_its_own_length() -> None:
    start, body = sent(Response(200, b"abc", [("Content-Length", "9"), ("X-A", "1"), ("X-A", "2")]))
    assert start["headers"] == [(b"x-a", b"1"), (b"x-a", b"2"), (b"content-length", b"3")]
    assert body["body"] == b"abc"


def test_response_without_content_has_no_body() -> None:
    start, body = sent(Response(204, b"abc"))
    assert (start["headers"], body["body"]) == ([], b"")


def test_cookie_is_written_with_all_its_attributes() -> None:
    cookie = PROTOS.RpcHttpCookie(
        name="a",
        value="1",
        domain=PROTOS.NullableString(value="x.org"),
        path=PROTOS.NullableString(value="/"),
        expires=PROTOS.NullableTimestamp(value=PROTOS.Timestamp(seconds=0)),
        secure=PROTOS.NullableBool(value=True),
        http_only=PROTOS.NullableBool(value=True),
        same_site=3,
        max_age=PROTOS.NullableDouble(value=60.0),
    )
    value = TypedData(http=PROTOS.RpcHttp(status_code="200", headers={}, cookies=[cookie], body=TypedData(bytes=b"")))
    response = from_return_value(value)
    assert response is not None
    assert response.headers == [
        (
            "set-cookie",
            "a=1; expires=Thu, 01 Jan 1970 00:00:00 GMT; max-age=60; domain=x.org; path=/; "
            "secure; samesite=none; httponly",
        )
    ]


def test_plain_text_return_is_a_text_response() -> None:
    response = from_return_value(TypedData(string="hi"))
    assert response == Response(200, b"hi", (("content-type", "text/plain; charset=utf-8"),))


def test_no_return_is_no_response() -> None:
    assert from_return_value(None) is None


@pytest.mark.parametrize(
    ("value", "bodies"),
    [
        (None, []),
        (TypedData(string="a"), [b"a"]),
        (TypedData(bytes=b"\x00"), [b"\x00"]),
        (TypedData(json='["a", {"x": 1}, null, 5]'), [b"a", b'{"x": 1}', b"5"]),
        (TypedData(json='{"id": null, "body": "text"}'), [b"text"]),
        (TypedData(json="[]"), []),
    ],
)
def test_output_value_gives_one_message_per_element(value: TypedData | None, bodies: list[bytes]) -> None:
    assert list(message_bodies(value)) == bodies


def kinds(body: bytes) -> dict[str, tuple[str | None, object]]:
    return {name: (value.kind, value.value) for name, value in message_metadata(MESSAGE, body).items()}


def test_queue_metadata_has_the_seven_fields() -> None:
    moment = ("json", '"2026-11-23T00:00:00+00:00"')
    assert kinds(b"text") == {
        "QueueTrigger": ("string", "text"),
        "Id": ("string", "id-1"),
        "PopReceipt": ("string", "receipt"),
        "DequeueCount": ("json", "2"),
        "InsertionTime": moment,
        "ExpirationTime": moment,
        "NextVisibleTime": moment,
    }


def test_properties_of_a_json_body_override_metadata_as_in_azure() -> None:
    metadata = kinds(b'{"id": "own", "list": [1], "nothing": null, "deep": {"a": 1}, "flag": true}')
    assert metadata["Id"] == ("string", "own")
    assert metadata["deep"] == ("json", '{"a": 1}')
    assert metadata["flag"] == ("string", "True")
    assert not {"id", "list", "nothing"} & set(metadata)


def test_body_that_is_not_text_goes_as_bytes() -> None:
    assert kinds(b"\xff")["QueueTrigger"] == ("bytes", b"\xff")


@pytest.mark.parametrize(("name", "poison"), [("work", "work-poison"), ("work-poison", None), ("a" * 57, None)])
def test_poison_queue_is_named_after_its_queue_where_it_can(name: str, poison: str | None) -> None:
    queue = MessageQueue(StorageConnection("Data"), name, encoding="none").poison_queue()
    assert (queue.name if queue else None) == poison


def test_back_off_grows_to_the_maximum_and_begins_again() -> None:
    backoff = Backoff(2.0, spread=lambda: 0.5)
    delays = [backoff.next_delay() for _ in range(7)]
    assert delays == pytest.approx([0.1, 0.2, 0.3, 0.5, 0.9, 1.7, 2.0])
    assert backoff.next_delay() == 2.0
    backoff.reset()
    assert backoff.next_delay() == 0.1


def deliver(*events: Mapping[str, object], **headers: str) -> Handshake | Notification:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_events(json.dumps(events).encode(), function_id="Host.Functions.f", headers=named)


def test_validation_event_is_a_handshake() -> None:
    event = {"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "v"}}
    assert deliver(event) == Handshake("v")


def test_validation_in_cloud_events_carries_data_as_text() -> None:
    event = {"type": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": '{"validationCode": "v"}'}
    assert read_events(json.dumps(event).encode(), function_id="f", headers={}) == Handshake("v")


def test_created_events_become_messages_and_others_do_not() -> None:
    created = {"eventType": "Microsoft.Storage.BlobCreated", "subject": SUBJECT, "data": {"eTag": "0x1"}}
    deleted: dict[str, object] = {"eventType": "Microsoft.Storage.BlobDeleted", "subject": SUBJECT, "data": {}}
    message = BlobMessage("Host.Functions.f", "c", "a/b.complete", "BlockBlob", "0x1")
    assert deliver(created, deleted) == Notification((message,))


@pytest.mark.parametrize(
    "url",
    [
        "https://acct.blob.core.windows.net/c/a/b%20c.complete",
        "http://127.0.0.1:10000/acct/c/a/b%20c.complete",
        "http://localhost:10000/acct/c/a/b%20c.complete",
    ],
)
def test_event_without_subject_is_placed_by_its_url(url: str) -> None:
    event = {"type": "Microsoft.Storage.BlobCreated", "data": {"url": url}}
    assert deliver(event) == Notification((BlobMessage("Host.Functions.f", "c", "a/b c.complete"),))


def test_unsubscribe_is_no_message() -> None:
    assert deliver({}, aeg_event_type="Unsubscribe") == Notification(())


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[1]",
        b'[{"eventType": "Microsoft.Storage.BlobCreated"}]',
        b'[{"eventType": "Microsoft.Storage.BlobCreated", "data": {"url": "https://x/c"}}]',
        b'[{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {}}]',
    ],
)
def test_malformed_delivery_is_refused(body: bytes) -> None:
    with pytest.raises(WebhookError):
        read_events(body, function_id="f", headers={})


def test_blob_message_survives_the_queue() -> None:
    message = BlobMessage("Host.Functions.f", "c", "ü/b", "BlockBlob", "e")
    assert BlobMessage.from_json(message.to_json()) == message


@pytest.mark.parametrize("text", ["x", "[]", '{"FunctionId": "f", "ContainerName": "c"}'])
def test_text_that_is_no_blob_message_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        BlobMessage.from_json(text)
