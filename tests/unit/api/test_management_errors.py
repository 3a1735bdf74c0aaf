"""Who is let in, how much is read, and what becomes of everything that is raised."""

import json
import logging

import pytest

from ferry.api.http import BODY_LIMIT_BYTES, ApiAnswer, ApiRequest
from ferry.api.management.access import HostAccess, Need
from ferry.api.management.errors import guarded
from ferry.domain.faults import EffectFailed, FaultCode, InputFault, InvalidInput
from tests.unit.api.client import Client, body_of, client_of, faults_in
from tests.world.participants import Pair

ASSETS = "management/v3/assets"


def raising(error: Exception) -> ApiAnswer:
    """The answer to a request whose handler raises this."""

    def handler(_: ApiRequest) -> ApiAnswer:
        raise error

    return guarded(handler, access=HostAccess(), need=Need.READ)(ApiRequest("GET", "/"))


@pytest.mark.parametrize("key", ["", "wrong", "management ", "mänagement"])
def test_call_without_the_key_is_refused_before_its_body_is_read(consumer: Client, key: str) -> None:
    answer = consumer.call("POST", ASSETS, b"x" * (BODY_LIMIT_BYTES + 1), {"x-api-key": key})
    assert body_of(answer, 401) == [
        {
            "message": "Request could not be authenticated",
            "type": "AuthenticationFailed",
            "path": None,
            "invalidValue": None,
        }
    ]


def test_call_needs_no_key_where_the_host_asks_for_one(pair: Pair) -> None:
    consumer = client_of(pair.consumer, access=HostAccess())
    assert consumer.call("POST", f"{ASSETS}/request", None, {"x-api-key": ""}).status == 200


def test_body_over_the_limit_is_refused_and_the_largest_is_read(consumer: Client) -> None:
    address = {"type": "AzureStorage", "account": "abc", "container": "abc", "blobName": "x"}
    body = {"@id": "large", "dataAddress": address}
    padding = BODY_LIMIT_BYTES - len(json.dumps({**body, "properties": {"p": ""}}))
    largest = json.dumps({**body, "properties": {"p": "x" * padding}}).encode()
    assert len(largest) == BODY_LIMIT_BYTES
    assert body_of(consumer.call("POST", ASSETS, largest + b" "), 413)[0]["type"] == "RequestTooLarge"
    assert consumer.get("assets/large").status == 404
    body_of(consumer.call("POST", ASSETS, largest))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"text"',
        b'{"@id": NaN}',
        b'{"a": 1e999}',
        b"\xff\xfe",
        b'{"a": "\\ud800"}',
        b'{"\\ud800": 1}',
        b"[" * 30_000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
    ],
)
def test_body_that_is_no_readable_object_is_refused(consumer: Client, body: bytes) -> None:
    assert list(faults_in(consumer.call("POST", ASSETS, body))) == ["$"]


@pytest.mark.parametrize(
    ("code", "retryable", "status", "name"),
    [
        (FaultCode.ADDRESS_FORBIDDEN, False, 400, "ValidationFailure"),
        (FaultCode.PEER_UNREACHABLE, True, 502, "BadGateway"),
        (FaultCode.PEER_REFUSED, False, 502, "BadGateway"),
        (FaultCode.VAULT_UNAVAILABLE, True, 503, "ServiceUnavailable"),
        (FaultCode.STORAGE_UNAVAILABLE, True, 503, "ServiceUnavailable"),
        (FaultCode.STORAGE_UNAVAILABLE, False, 502, "BadGateway"),
    ],
)
def test_failed_effect_has_the_status_of_its_side(code: FaultCode, retryable: bool, status: int, name: str) -> None:
    answer = raising(EffectFailed.because(code, "it did not work", retryable=retryable))
    (detail,) = body_of(answer, status)
    assert detail["type"] == name
    assert "it did not work" in detail["message"]
    assert ("Retry-After" in answer.headers) is (status == 503)


def test_unexpected_error_is_logged_and_says_nothing_of_itself(caplog: pytest.LogCaptureFixture) -> None:
    ferry = logging.getLogger("ferry")
    was, ferry.propagate = ferry.propagate, True
    try:
        answer = raising(RuntimeError("the inside of it"))
    finally:
        ferry.propagate = was
    assert "the inside" not in str(body_of(answer, 500))
    assert "the inside of it" in caplog.text


def test_secret_in_the_wrong_place_is_not_told_again() -> None:
    value = "https://data.example.org/c?sp=cw&sig=TOPSECRET"
    answer = raising(InvalidInput((InputFault("dataAddress.endpoint", f"must be a URL, not {value}", value),)))
    (detail,) = body_of(answer, 400)
    assert detail["invalidValue"] == "https://data.example.org/c?sp=cw&sig=***"
    assert "TOPSECRET" not in str(detail)
