"""GET …/{id}/progress on both sides, in every version that has it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ferry.domain.data_flow import CopyProgress
from ferry.domain.process import JsonObject
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.peer import PeerAnswer
from ferry.ports.storage_failure import StorageFailed, StorageProblem
from tests.unit.api.client import Client, body_of, transfer_request
from tests.unit.api.planes import make_planes
from tests.world.participants import Pair

COUNTS = ("blobsDone", "bytesDone", "blobsTotal", "bytesTotal", "isTotalKnown")
HALF = CopyProgress(blobs_done=3, bytes_done=30, blobs_total=6, bytes_total=60, is_total_known=True)


def begun(pair: Pair, consumer: Client) -> TransferProcess:
    """A transfer whose copy has come half the way and cannot get on; the consumer's side of it."""

    def stuck(request: object) -> None:
        if "providerdata" in str(request):
            raise StorageFailed(StorageProblem.UNAVAILABLE, "the source does not answer")

    pair.world.cloud.before_request = stuck
    transfer_id = body_of(consumer.post("transferprocesses", transfer_request(pair)))["@id"]
    pair.drain()
    ours = pair.transfer(transfer_id)
    assert ours.state is TransferState.STARTED
    engine = pair.provider.core.flows.engine
    assert engine.amend(ours.provider_pid, lambda flow: replace(flow, progress=HALF))
    return ours


def counts(shown: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(shown[name] for name in COUNTS)


def asked(pair: Pair) -> int:
    return sum(it.url.endswith("/progress") for it in pair.world.network.exchanges)


def test_provider_shows_how_far_its_flow_is(pair: Pair, consumer: Client, provider: Client) -> None:
    ours = begun(pair, consumer)
    shown = body_of(provider.get(f"transferprocesses/{ours.provider_pid}/progress"))
    assert (shown["@type"], shown["state"]) == ("TransferProgress", "STARTED")
    assert counts(shown) == (3, 30, 6, 60, True)
    assert shown["updatedAt"].startswith("2026-01-01T00:00:0")
    assert asked(pair) == 0


@pytest.mark.parametrize("base", ["management/v3/transferprocesses", "v1/data/transferprocess"])
def test_consumer_shows_what_the_provider_tells(pair: Pair, consumer: Client, base: str) -> None:
    ours = begun(pair, consumer)
    shown = body_of(consumer.call("GET", f"{base}/{ours.id}/progress"))
    assert counts(shown) == (3, 30, 6, 60, True)
    assert asked(pair) == 1


def test_version_4_speaks_its_own_context(pair: Pair, consumer: Client) -> None:
    ours = begun(pair, consumer)
    shown = body_of(consumer.call("GET", f"management/v4/transferprocesses/{ours.id}/progress"))
    assert shown["@context"] == ["https://w3id.org/edc/connector/management/v2"]
    assert counts(shown) == (3, 30, 6, 60, True)


def test_both_sides_show_what_was_delivered(pair: Pair, consumer: Client, provider: Client) -> None:
    transfer_id = body_of(consumer.post("transferprocesses", transfer_request(pair)))["@id"]
    pair.run()
    ours = pair.transfer(transfer_id)
    for client, process_id in ((consumer, ours.id), (provider, ours.provider_pid)):
        shown = body_of(client.get(f"transferprocesses/{process_id}/progress"))
        assert (shown["state"], counts(shown), shown["etaSeconds"]) == ("COMPLETED", (1, 3, 1, 3, True), 0.0)
    assert asked(pair) == 0


def test_consumer_of_another_connector_shows_what_it_knows(pair: Pair, consumer: Client) -> None:
    ours = begun(pair, consumer)

    def serve(method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        return PeerAnswer(404) if "/ferry/" in url else pair.provider.serve(method, url, headers, body)

    pair.world.network.attach("http://provider.test", serve)
    for _ in range(3):
        shown = body_of(consumer.get(f"transferprocesses/{ours.id}/progress"))
        assert (shown["state"], counts(shown)) == ("STARTED", (0, 0, 0, 0, False))
    assert asked(pair) == 1


def test_provider_that_is_away_makes_no_answer_fail(pair: Pair, consumer: Client) -> None:
    ours = begun(pair, consumer)
    pair.world.network.detach("http://provider.test")
    shown = body_of(consumer.get(f"transferprocesses/{ours.id}/progress"))
    assert (shown["state"], counts(shown)) == ("STARTED", (0, 0, 0, 0, False))


def test_progress_of_an_unknown_transfer_is_not_found(consumer: Client) -> None:
    assert consumer.get("transferprocesses/none/progress").status == 404


def test_pull_has_no_counts_and_nobody_is_asked(pair: Pair, consumer: Client) -> None:
    ours = begun(pair, consumer)
    engine = pair.consumer.core.transfers.engine
    engine.amend(ours.id, lambda it: replace(it, transfer_type="HttpData-PULL", destination=None))
    shown = body_of(consumer.get(f"transferprocesses/{ours.id}/progress"))
    assert counts(shown) == (0, 0, 0, 0, False)
    assert asked(pair) == 0


def test_flow_at_a_plane_of_its_own_is_asked_about_there() -> None:
    planes = make_planes()
    transfer_id = planes.start()
    planes.run()
    ours = planes.ours()
    assert (ours.id, ours.state) == (transfer_id, TransferState.COMPLETED)
    theirs = planes.theirs()
    core = planes.provider.app.core
    forgotten = replace(theirs, delivered=None, state=TransferState.STARTED)
    assert core.progress.of(forgotten).blobs_done == ours.delivered["blobs"] if ours.delivered else False
    assert core.progress.of(forgotten).is_total_known
