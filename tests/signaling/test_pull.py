"""What is served over HTTP: ranges, names below a prefix, tokens that run out, and who may refresh them."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.protocol.pull_tokens import ACCESS_SECONDS, HTTP_PULL
from tests.signaling.counterpart import Json
from tests.signaling.memory_stage import MemoryPlane, memory_plane
from tests.signaling.plane_demands import (
    CONTENT,
    OTHER,
    PARTICIPANT,
    PULL,
    Flow,
    offered,
    prepared,
    properties,
    served,
    wanted,
)

pytestmark = pytest.mark.model

LIMIT = 8


@pytest.fixture
def plane() -> MemoryPlane:
    return memory_plane()


def read(plane: MemoryPlane, flow: Flow, token: str, query: dict[str, str] | None = None, **headers: str) -> ApiAnswer:
    """One GET, of an app whose answers have at most eight bytes."""
    told = {"authorization": f"Bearer {token}", **{name.replace("_", "-"): it for name, it in headers.items()}}
    request = ApiRequest("GET", "x", told, {"id": flow.id}, query or {})
    return replace(plane.host.app.core.pull, range_bytes=LIMIT).read(request)


def refresh(plane: MemoryPlane, flow: Flow, address: Json, **claims: Any) -> ApiAnswer:
    """One refresh."""
    told = properties(address)
    proof = plane.counterpart.proof(PARTICIPANT, told["authorization"], **claims)
    form = urlencode({"grant_type": "refresh_token", "refresh_token": told["refreshToken"]}).encode()
    request = ApiRequest("POST", "x", {"authorization": proof}, {"id": flow.id}, body=form)
    return plane.host.app.core.pull.refresh(request)


def opened(plane: MemoryPlane) -> tuple[Flow, Json, str]:
    flow, said = served(plane, HTTP_PULL)
    return flow, said["dataAddress"], properties(said["dataAddress"])["authorization"]


@pytest.mark.parametrize(
    ("asked", "status", "content", "place"),
    [
        ("bytes=0-3", 206, CONTENT[:4], f"bytes 0-3/{len(CONTENT)}"),
        ("bytes=5-", 206, CONTENT[5 : 5 + LIMIT], f"bytes 5-12/{len(CONTENT)}"),
        ("bytes=-4", 206, CONTENT[-4:], f"bytes {len(CONTENT) - 4}-{len(CONTENT) - 1}/{len(CONTENT)}"),
        ("bytes=13-", 416, None, f"bytes */{len(CONTENT)}"),
        ("lines=0-3", 413, None, None),
        ("", 413, None, None),
    ],
)
def test_range_is_given_up_to_what_an_answer_holds(
    plane: MemoryPlane, asked: str, status: int, content: bytes | None, place: str | None
) -> None:
    flow, _, token = opened(plane)
    answer = read(plane, flow, token, range=asked)
    assert (answer.status, answer.content, answer.headers.get("Content-Range")) == (status, content, place)


def test_whole_is_given_where_a_part_of_another_version_is_asked_for(plane: MemoryPlane) -> None:
    flow, _, token = opened(plane)
    plane_answer = plane.ask("GET", f"http://ferry.test/api/data/{flow.id}", b"", {"Authorization": f"Bearer {token}"})
    assert (plane_answer.status, plane_answer.content) == (200, CONTENT)
    headers = {"Authorization": f"Bearer {token}", "Range": "bytes=0-1", "If-Range": '"another"'}
    assert plane.ask("GET", f"http://ferry.test/api/data/{flow.id}", b"", headers).content == CONTENT


def test_names_below_a_prefix_are_listed_and_read_one_by_one(plane: MemoryPlane) -> None:
    metadata = offered(plane)
    plane.put(metadata["container"], "b/other.bin", b"other")
    flow = Flow(plane, HTTP_PULL)
    prefix = {"account": metadata["account"], "container": metadata["container"], "blobPrefix": "a/"}
    address = flow.begin("start", prefix)["dataAddress"]
    token = properties(address)["authorization"]
    bearer = {"Authorization": f"Bearer {token}"}
    listed = plane.ask("GET", f"http://ferry.test/api/data/{flow.id}", b"", bearer).body
    assert [it["name"] for it in listed["items"]] == ["a/one.bin"]
    assert read(plane, flow, token, {"blob": "a/one.bin"}, range="bytes=0-3").content == CONTENT[:4]
    assert read(plane, flow, token, {"blob": "b/other.bin"}).status == 404


def test_token_that_ran_out_is_refused_and_still_refreshes(plane: MemoryPlane) -> None:
    flow, address, token = opened(plane)
    plane.world.clock.advance(ACCESS_SECONDS + 1)
    assert read(plane, flow, token).status == 401
    answer = refresh(plane, flow, address)
    assert answer.status == 200
    assert isinstance(answer.body, dict)
    assert read(plane, flow, str(answer.body["access_token"]), range="bytes=0-3").status == 206


def test_flow_that_is_suspended_or_over_is_closed(plane: MemoryPlane) -> None:
    flow, address, token = opened(plane)
    flow.order("suspend", "SUSPENDED")
    assert read(plane, flow, token).status == 403
    flow.order("terminate", "TERMINATED")
    assert read(plane, flow, token).status == 401
    assert refresh(plane, flow, address).status == 401


def test_token_of_another_flow_opens_nothing(plane: MemoryPlane) -> None:
    flow, address, token = opened(plane)
    _, _, other = opened(plane)
    assert read(plane, flow, other).status == 401
    assert refresh(plane, flow, address, token=other).status == 401
    assert read(plane, flow, token, range="bytes=0-3").status == 206


def test_proof_serves_once_and_only_its_signer(plane: MemoryPlane) -> None:
    flow, address, _ = opened(plane)
    assert refresh(plane, flow, address, jti="the same").status == 200
    assert refresh(plane, flow, address, jti="the same").status == 401
    assert refresh(plane, flow, address, iss="did:web:somebody.test", sub="did:web:somebody.test").status in (401, 503)


def test_form_with_more_fields_than_a_refresh_has_is_refused(plane: MemoryPlane) -> None:
    flow, address, token = opened(plane)
    form = urlencode({"grant_type": "refresh_token", **{f"field{number}": "1" for number in range(10)}}).encode()
    headers = {"authorization": plane.counterpart.proof(PARTICIPANT, token)}
    answer = plane.host.app.core.pull.refresh(ApiRequest("POST", "x", headers, {"id": flow.id}, body=form))
    assert (answer.status, answer.body) == (400, {"error": "invalid_request"})
    assert refresh(plane, flow, address).status == 200


def test_partner_whose_did_is_known_is_the_only_one_to_refresh() -> None:
    plane = memory_plane(FERRY_PARTNERS=f'{{"{OTHER}": "did:web:known.test"}}')
    flow, address, _ = opened(plane)
    assert refresh(plane, flow, address).status == 401


def test_nothing_of_what_opens_a_flow_is_in_its_document(plane: MemoryPlane) -> None:
    flow, address, token = opened(plane)
    record = plane.host.outside.plane_flows.load(flow.id)
    assert record is not None
    text = str(record.document)
    assert token not in text
    assert properties(address)["refreshToken"] not in text


def test_prefix_is_fetched_whole_from_the_providers_sas(plane: MemoryPlane) -> None:
    metadata = offered(plane)
    plane.put(metadata["container"], "a/two.bin", b"two")
    prefix = {"account": metadata["account"], "container": metadata["container"], "blobPrefix": "a/"}
    address = Flow(plane, PULL).begin("start", prefix)["dataAddress"]
    place = wanted(plane)
    flow, _ = prepared(plane, PULL, place)
    flow.order("started", dataAddress=address)
    flow.tells("completed", "COMPLETED")
    found = plane.blobs(place["container"])
    assert {name: it for name, it in found.items() if name != ".complete"} == {
        "a/one.bin": CONTENT,
        "a/two.bin": b"two",
    }


def test_fetch_that_fails_ends_the_flow_and_is_told(plane: MemoryPlane) -> None:
    flow, _ = prepared(plane, PULL, wanted(plane))
    provider, said = served(plane)
    provider.order("terminate", "TERMINATED")
    flow.order("started", dataAddress=said["dataAddress"])
    told = flow.tells("errored", "TERMINATED")
    assert told["error"]
    assert plane.host.outside.vault.get(_kept(plane, flow)) is None


def _kept(plane: MemoryPlane, flow: Flow) -> str:
    record = plane.host.outside.plane_flows.load(flow.id)
    assert record is not None
    return record.document.secret_name
