"""A long copy tells callbacks how far it has come, never less than before; where nobody listens it costs nothing."""

import json
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from ferry.adapters.memory_cloud import MemoryRequest
from ferry.domain.callback_address import CallbackAddress
from ferry.domain.data_flow import CopyProgress
from ferry.domain.process import JsonObject
from ferry.domain.states import TransferState
from ferry.ports.peer import PeerAnswer
from ferry.ports.storage_failure import StorageFailed, StorageProblem
from tests.world.both_sides import BothSides
from tests.world.participants import Pair, make_pair, pair_of, settings_of

EVENTS = [f"transfer.process.{it}" for it in ("started", "progress", "completed")]
HOOK = "https://hook.test"
BLOBS = {f"data/{number:03}.bin": b"x" * number for number in range(1, 61)}
PARTS = 5
MEMBERS = {"blobsDone", "bytesDone", "blobsTotal", "bytesTotal", "isTotalKnown", "bytesPerSecond", "updatedAt"}
PAYLOAD = {
    "transferProcessId",
    "assetId",
    "contractId",
    "type",
    "callbackAddresses",
    "participantContextId",
    "protocol",
    *MEMBERS,
}


class LongCopy(BothSides):
    """A transfer whose source gives no more for minutes after each part; at last it gives the rest."""

    def __init__(self, pair: Pair, *callbacks: CallbackAddress, status: int = 200) -> None:
        self.pair = pair
        self.status = status
        self.taken: list[tuple[str, JsonObject]] = []
        self.tried = 0
        pair.world.network.attach(HOOK, self._hear)
        pair.world.cloud.before_request = _stuck
        handled = pair.consumer.core.transfers.initiate(pair.order(callbacks=callbacks), inline_seconds=1)
        self.process_id = handled.process.id
        pair.consumer.emit(handled.looks)
        pair.drain()
        for parts in range(1, PARTS):
            self._comes_to(parts)
            pair.run(seconds=60)
        pair.world.cloud.before_request = None
        pair.run(seconds=600)

    def told(self, path: str) -> list[dict[str, Any]]:
        """The envelopes that were taken at that path."""
        return [dict(body) for url, body in self.taken if url == HOOK + path]

    def _comes_to(self, parts: int) -> None:
        blobs = len(BLOBS) * parts // PARTS
        sizes = [len(content) for content in BLOBS.values()]
        known = CopyProgress(
            blobs_done=blobs,
            bytes_done=sum(sizes[:blobs]),
            blobs_total=len(BLOBS),
            bytes_total=sum(sizes),
            is_total_known=True,
        )
        engine = self.pair.provider.core.flows.engine
        assert engine.amend(self.theirs.id, lambda flow: replace(flow, progress=known))

    def _hear(self, method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        assert body is not None
        self.tried += 1
        if self.status == 200:
            self.taken.append((url, body))
        return PeerAnswer(self.status)


def _stuck(request: MemoryRequest) -> None:
    if "providerdata" in str(request):
        raise StorageFailed(StorageProblem.UNAVAILABLE, "the source does not answer")


def progress_in(envelopes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [it["payload"] for it in envelopes if it["type"] == "TransferProcessProgress"]


def both_listen() -> Pair:
    static = json.dumps([{"uri": f"{HOOK}/provider", "events": EVENTS}])
    return pair_of(settings_of("consumer"), settings_of("provider", FERRY_CALLBACKS=static), blobs=BLOBS)


def listener(*events: str) -> CallbackAddress:
    return CallbackAddress(f"{HOOK}/consumer", events or tuple(EVENTS))


def requests_of(story: LongCopy) -> list[tuple[str, str]]:
    """What one participant has asked of the other."""
    ids = (story.ours.id, story.theirs.id)
    urls = [(it.method, it.url) for it in story.pair.world.network.exchanges]
    return [(method, url.replace(ids[0], "ours").replace(ids[1], "theirs")) for method, url in urls]


@pytest.mark.parametrize("side", ["consumer", "provider"])
def test_long_copy_tells_progress_that_never_goes_back_until_it_is_completed(side: str) -> None:
    story = LongCopy(both_listen(), listener())

    assert story.states == (TransferState.COMPLETED, TransferState.COMPLETED)
    envelopes = story.told(f"/{side}")
    told = progress_in(envelopes)
    types = [it["type"] for it in envelopes]
    assert len(told) >= PARTS
    for member in ("blobsDone", "bytesDone", "blobsTotal", "bytesTotal", "isTotalKnown", "updatedAt"):
        assert all(before[member] <= after[member] for before, after in pairwise(told)), member
    assert 0 < told[-1]["blobsDone"] <= len(BLOBS)
    assert types[-1] == "TransferProcessCompleted"
    assert types.index("TransferProcessStarted") < types.index("TransferProcessProgress")
    assert len({it["id"] for it in envelopes}) == len(envelopes)


def test_payload_has_the_members_of_the_api_and_no_address() -> None:
    story = LongCopy(both_listen(), listener())

    for path in ("/consumer", "/provider"):
        for payload in progress_in(story.told(path)):
            assert payload.keys() - {"etaSeconds"} == PAYLOAD
    text = json.dumps(story.taken)
    assert not [word for word in ("sig=", "consumerdata", "providerdata", "-key") if word in text]


@pytest.mark.parametrize(("events", "told"), [("transfer.process.started", 1), ("contract.negotiation", 0)])
def test_copy_that_nobody_listens_to_asks_nothing_more(events: str, told: int) -> None:
    plain = LongCopy(make_pair(blobs=BLOBS))
    other = LongCopy(make_pair(blobs=BLOBS), listener(events))

    assert not [url for _, url in requests_of(other) if url.endswith("/progress")]
    assert len(requests_of(other)) == len(requests_of(plain)) + told


def test_receiver_that_stays_away_leaves_one_piece_of_news_and_holds_up_nothing() -> None:
    story = LongCopy(make_pair(blobs=BLOBS), listener("transfer.process.progress"), status=503)

    assert story.states == (TransferState.COMPLETED, TransferState.COMPLETED)
    assert story.tried >= 3
    assert len(story.ours.notices) <= 1
    assert sum("was not delivered" in entry.what for entry in story.ours.history) <= 1
