"""Whole conversations of EDC connectors are understood, and mean the same in every version of the protocol."""

import json
import re
from collections.abc import Callable, Iterator

import pytest

from ferry.domain.message_kind import MessageKind
from ferry.domain.process import Json, JsonObject
from ferry.protocol.catalog_messages import read_catalog, read_catalog_request, read_dataset
from ferry.protocol.envelope import read_error, read_process, read_versions
from ferry.protocol.identity import MockIdentity
from ferry.protocol.messages import parse, read_transfer_request
from ferry.protocol.negotiation_messages import written_policy
from tests.unit.protocol.recordings import ALL, EDC_012_DSP_2024, EDC_015, ONE_STORY, Exchange, exchanges, type_of

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VERSION_PATHS = ("/2024/1", "/2025-1")

_READERS: dict[str, Callable[[JsonObject], object]] = {
    "Catalog": read_catalog,
    "CatalogRequestMessage": read_catalog_request,
    "ContractNegotiation": read_process,
    "Dataset": read_dataset,
    "Error": read_error,
    "TransferProcess": read_process,
    "VersionResponse": read_versions,
}


@pytest.mark.parametrize("recording", ALL)
def test_everything_that_was_said_is_understood(recording: str) -> None:
    said = [body for exchange in exchanges(recording) for body in exchange.bodies()]

    for body in said:
        _READERS.get(type_of(body), parse)(body)

    assert len(said) >= 10


@pytest.mark.parametrize("recording", ALL)
def test_every_sender_is_known_by_its_mock_token(recording: str) -> None:
    for exchange in exchanges(recording):
        if exchange.authorization is not None:
            sender = MockIdentity("us").identify(exchange.authorization)
            assert {sender, exchange.to} == {"consumer", "provider"}


@pytest.mark.parametrize("recording", ALL)
def test_every_destination_has_a_sas_that_only_its_own_reader_shows(recording: str) -> None:
    requests = [it.request for it in exchanges(recording) if it.request and "TransferRequest" in type_of(it.request)]

    for request in requests:
        destination = read_transfer_request(request)
        assert destination.secret is not None
        assert "sig=REDACTED" in destination.secret.reveal()
        assert "REDACTED" not in f"{destination}{parse(request)}"
    assert requests


def test_one_story_has_the_same_content_in_every_version() -> None:
    versions = {recording: list(_story(recording)) for recording in ONE_STORY}

    kinds = [kind for kind, _ in versions[EDC_015]]
    assert kinds.count(MessageKind.CONTRACT_AGREEMENT) == 2
    assert kinds.count(MessageKind.TRANSFER_COMPLETION) == 3
    assert kinds.count(MessageKind.TRANSFER_TERMINATION) == 1
    for recording in ONE_STORY:
        assert versions[recording] == versions[EDC_015], recording


def test_new_name_of_a_blob_arrives_where_the_sender_does_not_lose_it() -> None:
    requests = [
        read_transfer_request(it.request)
        for it in exchanges(EDC_015)
        if it.request and "TransferRequest" in type_of(it.request)
    ]

    assert [it.properties.get("blobName") for it in requests] == [None, "renamed.bin", None, None]
    assert [it.properties.get("folderName") for it in requests] == [None, "in", None, None]


def test_message_that_is_sent_again_is_known_again() -> None:
    refused = next(it for it in exchanges(EDC_012_DSP_2024) if it.status == 500)
    again = next(it for it in exchanges(EDC_012_DSP_2024) if it.path == refused.path and it.status == 200)
    assert refused.request is not None
    assert again.request is not None

    first, second = parse(refused.request), parse(again.request)

    assert (first.message_id, first.digest) == (second.message_id, second.digest)


def _story(recording: str) -> Iterator[tuple[str, str]]:
    """Kind and content of every message and every process shown, with ids by order of their appearance."""
    ids: dict[str, str] = {}
    for exchange in exchanges(recording):
        for kind, content in _told(exchange):
            text = json.dumps(content, sort_keys=True)
            yield kind, _UUID.sub(lambda found: ids.setdefault(found[0], f"id-{len(ids)}"), text)


def _told(exchange: Exchange) -> Iterator[tuple[str, JsonObject]]:
    if exchange.status != 200:
        return
    for body in exchange.bodies():
        name = type_of(body)
        if name in ("ContractNegotiation", "TransferProcess"):
            shown = read_process(body)
            # 0.12 shows a state of its own where the protocol knows only one.
            state = "REQUESTED" if shown.state == "INITIAL" else shown.state
            yield name, {"consumer": shown.consumer_pid, "provider": shown.provider_pid, "state": state}
        elif name not in _READERS:
            received = parse(body)
            yield received.kind, {term: _plain(term, value) for term, value in received.content.items()}


def _plain(term: str, value: Json) -> Json:
    """A value without what differs for a reason: paths with a version in them, times, names of offers."""
    if term == "callbackAddress":
        base = str(value)
        for path in _VERSION_PATHS:
            base = base.removesuffix(path)
        return base
    if term in ("offer", "agreement"):
        assert isinstance(value, dict)
        kept = {key: value[key] for key in ("target", "assigner", "assignee") if key in value}
        return {**kept, **written_policy(value)}
    if term == "destination":
        assert isinstance(value, dict)
        # 0.12 loses the blob's new name before it sends the request.
        return {key: it for key, it in value.items() if key != "blobName"}
    return value
