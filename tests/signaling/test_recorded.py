"""What EDC 0.18 said to two data planes in one push, said to ours: it is understood, and the blob arrives."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.signaling.counterpart import NEWS, Json
from tests.signaling.memory_stage import MemoryPlane, memory_plane
from tests.signaling.plane_demands import CONTENT, properties

pytestmark = pytest.mark.model

RECORDED: list[Json] = json.loads((Path(__file__).parent / "recorded-edc-0.18.json").read_text(encoding="utf-8"))
PREPARE, START, STARTED, TOLD, COMPLETED = RECORDED


@pytest.fixture
def plane() -> MemoryPlane:
    """One plane for both sides, with the accounts that were recorded known under its own."""
    made = memory_plane()
    made.put("src", "one.bin", CONTENT)
    return made


def said(plane: MemoryPlane, recorded: Json, **changes: Any) -> Json:
    """Say it as it was said, but for the addresses of this test; the answer has the status that EDC got."""
    body = {**recorded["body"], **changes}
    if "callbackAddress" in body:
        body["callbackAddress"] = plane.counterpart.url + NEWS
    answer = plane.call("POST", recorded["path"], body, {})
    assert answer.status == recorded["status"], answer.body
    return answer.body


def test_push_that_edc_recorded_is_prepared_copied_and_completed(plane: MemoryPlane) -> None:
    prepared = said(plane, PREPARE, metadata={**PREPARE["body"]["metadata"], "account": plane.account})
    assert prepared["state"] == PREPARE["answer"]["state"]
    told = properties(prepared["dataAddress"])
    assert told.keys() >= properties(PREPARE["answer"]["dataAddress"]).keys()
    address = as_edc_passes_it_on(prepared["dataAddress"])
    metadata = {**START["body"]["metadata"], "account": plane.account}
    assert said(plane, START, metadata=metadata, dataAddress=address)["state"] == START["answer"]["state"]
    said(plane, STARTED, dataAddress=address)
    process_id = START["body"]["processId"]
    assert plane.until(lambda: any(it.status == 200 for it in plane.counterpart.news(process_id, TOLD["news"])))
    said(plane, COMPLETED)
    assert plane.blobs(told["container"])["one.bin"] == CONTENT


def test_prepare_that_edc_says_again_is_answered_like_the_first(plane: MemoryPlane) -> None:
    metadata = {**PREPARE["body"]["metadata"], "account": plane.account}
    first = said(plane, PREPARE, metadata=metadata)
    again = said(plane, PREPARE, metadata=metadata, messageId=str(uuid.uuid4()))
    assert again["dataAddress"] == first["dataAddress"]


def as_edc_passes_it_on(address: Json) -> Json:
    """EDC keeps names as they came, and adds type and endpoint under their IRIs."""
    recorded = START["body"]["dataAddress"]["endpointProperties"]
    added = {it["name"]: it["value"] for it in recorded if it["name"].endswith(("/type", "/endpoint"))}
    assert len(added) == 2
    named = {it["name"]: it["value"] for it in address["endpointProperties"]}
    iris = {name: address["endpoint"] if name.endswith("/endpoint") else value for name, value in added.items()}
    items = [{"@type": "EndpointProperty", "name": name, "value": it} for name, it in {**named, **iris}.items()]
    return {**address, "endpointProperties": items}
