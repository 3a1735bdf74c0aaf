"""Orphans over the management API: found page by page, removed by name, and nothing unless it is asked for."""

from typing import Any
from urllib.parse import quote

import pytest

from ferry.data_plane import orphans as orphans_module
from ferry.domain.secret import Secret
from ferry.domain.states import TransferState
from ferry.ports.storage import Account
from tests.unit.api.client import Client, body_of, faults_in, transfer_request
from tests.world.participants import Pair

ACCOUNT = Account("consumerdata", "https://consumerdata.test", Secret("consumer-key"))
V4_CONTEXT = ["https://w3id.org/edc/connector/management/v2"]


@pytest.fixture
def container(pair: Pair, consumer: Client) -> str:
    """That of a transfer which is COMPLETED."""
    process_id = body_of(consumer.post("transferprocesses", transfer_request(pair)))["@id"]
    pair.drain()
    process = pair.transfer(process_id)
    assert process.state is TransferState.COMPLETED and process.destination is not None
    return process.destination.container


@pytest.fixture
def orphan(pair: Pair, container: str) -> str:
    """The same, when the transfer has left with its retention."""
    sides = pair.consumer.core
    pair.world.clock.advance(sides.settings.limits.retention_seconds + 1)
    until_the_hour = 3600 - pair.world.clock.now().timestamp() % 3600
    pair.world.clock.advance(until_the_hour)
    pair.consumer.emit(pair.consumer.dispatcher.janitor_round())
    assert sides.outside.transfers.load(container.removeprefix("ferry-")) is None
    return container


def removed(client: Client, *containers: str, **members: Any) -> dict[str, str]:
    """Outcomes by container."""
    answer = body_of(client.post("orphans/remove", {"containers": list(containers), **members}))
    return {it["container"]: it["outcome"] for it in answer}


def test_container_of_a_transfer_that_is_known_is_no_orphan(consumer: Client, pair: Pair, container: str) -> None:
    assert body_of(consumer.get("orphans")) == []
    (result,) = body_of(consumer.post("orphans/remove", {"containers": [container], "dryRun": False}))
    assert (result["@type"], result["outcome"]) == ("OrphanRemovalResult", "IN_USE")
    assert "is COMPLETED" in result["detail"]
    assert ("consumerdata", container) in pair.world.cloud.containers()


def test_container_of_a_transfer_that_has_left_is_told_with_its_delivery(consumer: Client, orphan: str) -> None:
    (told,) = body_of(consumer.get("orphans"))
    assert {name: it for name, it in told.items() if name not in ("@context", "since")} == {
        "@type": "Orphan",
        "container": orphan,
        "processId": orphan.removeprefix("ferry-"),
        "delivered": True,
        "reason": "UNKNOWN_PROCESS",
    }
    assert isinstance(told["since"], int)


def test_orphan_stays_until_it_is_said_that_it_is_no_dry_run(consumer: Client, pair: Pair, orphan: str) -> None:
    assert removed(consumer, orphan) == {orphan: "REMOVABLE"}
    assert removed(consumer, orphan, dryRun=True) == {orphan: "REMOVABLE"}
    assert ("consumerdata", orphan) in pair.world.cloud.containers()
    assert removed(consumer, orphan, dryRun=False) == {orphan: "REMOVED"}
    assert ("consumerdata", orphan) not in pair.world.cloud.containers()
    assert removed(consumer, orphan, dryRun=False) == {orphan: "GONE"}
    assert body_of(consumer.get("orphans")) == []


def test_provider_removes_nothing_of_the_consumers(provider: Client, pair: Pair, orphan: str) -> None:
    assert body_of(provider.get("orphans")) == []
    assert removed(provider, orphan, dryRun=False) == {orphan: "GONE"}
    assert removed(provider, "source", dryRun=False) == {"source": "NOT_OURS"}
    assert {("consumerdata", orphan), ("providerdata", "source")} <= set(pair.world.cloud.containers())


def test_participant_that_shares_an_account_removes_nothing_of_another(consumer: Client, pair: Pair) -> None:
    process = pair.consumer.core.transfers.initiate(pair.order(), inline_seconds=1).process
    assert process.destination is not None
    name = process.destination.container
    metadata = pair.world.cloud.containers()["consumerdata", name].metadata
    assert metadata == {"ferry_process": process.id, "ferry_participant": "consumer"}
    metadata["ferry_participant"] = "another"
    pair.consumer.core.outside.transfers.delete(process.id)
    assert body_of(consumer.get("orphans")) == []
    assert removed(consumer, name, dryRun=False) == {name: "NOT_OURS"}


def test_version_4_asks_for_its_type_and_shows_its_context(consumer: Client, orphan: str) -> None:
    (told,) = body_of(consumer.call("GET", "management/v4/orphans"))
    assert told["@context"] == V4_CONTEXT
    path, body = "management/v4/orphans/remove", {"containers": [orphan], "dryRun": False}
    assert faults_in(consumer.call("POST", path, body)).keys() == {"@context", "@type"}
    typed = {"@context": V4_CONTEXT, "@type": "OrphanRemoval", **body}
    (result,) = body_of(consumer.call("POST", path, typed))
    assert (result["outcome"], result["@context"]) == ("REMOVED", V4_CONTEXT)


def test_link_leads_to_all_of_them(consumer: Client, pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans_module, "CONTAINERS_PER_PAGE", 2)
    storage = pair.consumer.core.outside.storage
    for number in range(5):
        storage.create_container(ACCOUNT, f"ferry-{number}", f"p{number}", participant_id="consumer")
    pair.world.clock.advance(pair.consumer.core.settings.limits.retention_seconds + 1)
    found: list[str] = []
    path = "orphans"
    while path:
        answer = consumer.get(path)
        found += [it["container"] for it in body_of(answer)]
        path = answer.headers.get("Link", "").partition("<")[2].partition(">")[0]
        path = f"orphans{path}" if path else ""
    assert found == [f"ferry-{number}" for number in range(5)]


@pytest.mark.parametrize("cursor", ["!", "a", "AA", "__"])
def test_cursor_that_no_page_gave_is_refused(consumer: Client, cursor: str) -> None:
    assert faults_in(consumer.get(f"orphans?cursor={quote(cursor)}")).keys() == {"cursor"}


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ({}, {"containers"}),
        ({"containers": []}, {"containers"}),
        ({"containers": ["a" * 3] * 101}, {"containers"}),
        (
            {"containers": ["", "ok-1", "No", 1, "a\n", "ab--c"], "dryRun": "no"},
            {f"containers[{i}]" for i in (0, 2, 3, 4, 5)} | {"dryRun"},
        ),
    ],
)
def test_order_with_faults_tells_all_of_them_and_removes_nothing(
    consumer: Client, pair: Pair, body: dict[str, Any], paths: set[str]
) -> None:
    before = len(pair.world.cloud.requests)
    assert faults_in(consumer.post("orphans/remove", body)).keys() == paths
    assert len(pair.world.cloud.requests) == before


def test_transfer_that_was_terminated_leaves_its_container_once_its_retention_is_over(
    consumer: Client, pair: Pair
) -> None:
    process = pair.consumer.core.transfers.initiate(pair.order(), inline_seconds=1).process
    assert process.destination is not None
    consumer.post(f"transferprocesses/{process.id}/terminate", {"reason": "not wanted"})
    pair.run()
    name = process.destination.container
    assert body_of(consumer.get("orphans")) == []
    pair.world.clock.advance(pair.consumer.core.settings.limits.retention_seconds)
    assert [it["reason"] for it in body_of(consumer.get("orphans"))] == ["TERMINATED"]
    assert removed(consumer, name, dryRun=False) == {name: "REMOVED"}
