"""What Ferry offers peers beyond the protocol: an address that lasts longer, and how far a transfer has come."""

from dataclasses import replace
from typing import Any

import pytest

from ferry.domain.data_flow import CopyProgress
from ferry.domain.decision import Command, CommandKind
from ferry.domain.message_kind import MessageKind
from ferry.domain.states import FlowState, TransferState
from ferry.protocol.sas import parse_sas
from tests.unit.api.dsp_client import DspClient, body_of, consumer_of, message, provider_of
from tests.world.participants import Pair, make_pair

PROGRESS = "ferry/transfers/{}/progress"
ADDRESS = "ferry/transfers/{}/address"


@pytest.fixture
def pair() -> Pair:
    """Two participants, and a transfer that is suspended on both sides."""
    made = make_pair()
    handled = made.consumer.core.transfers.initiate(made.order(process_id="transfer-1"), inline_seconds=1)
    made.world.cloud.before_request = lambda request: suspend(made) if request.account == "providerdata" else None
    made.consumer.emit(handled.looks)
    made.drain()
    assert made.transfer("transfer-1").state is TransferState.SUSPENDED
    return made


def suspend(pair: Pair) -> None:
    pair.world.cloud.before_request = None
    command = Command(CommandKind.SUSPEND, "a pause")
    provider = pair.provider
    provider.emit(provider.core.transfers.command(theirs(pair), command, inline_seconds=1).looks)


def theirs(pair: Pair) -> str:
    return pair.transfer("transfer-1").provider_pid


def request(pair: Pair, **changes: Any) -> dict[str, Any]:
    pids = {"consumerPid": "transfer-1", "providerPid": theirs(pair), **changes}
    return message("TransferAddressRequest", **{name: it for name, it in pids.items() if it is not None})


def renew(pair: Pair, **changes: Any) -> Any:
    return provider_of(pair).post(ADDRESS.format("transfer-1"), request(pair, **changes))


def test_provider_is_told_the_address_with_a_sas_that_ends_later(pair: Pair) -> None:
    first = body_of(renew(pair))
    pair.world.clock.advance(2400)
    second = body_of(renew(pair))
    assert {name: second[name] for name in ("@type", "consumerPid", "providerPid")} == {
        "@type": "TransferAddress",
        "consumerPid": "transfer-1",
        "providerPid": theirs(pair),
    }
    ends = [parse_sas(secret_in(body))[1] for body in (first, second)]
    assert ends[0] is not None and ends[1] is not None
    assert (ends[1] - ends[0]).total_seconds() == 2400
    assert pair.transfer("transfer-1").state is TransferState.SUSPENDED


def secret_in(body: dict[str, Any]) -> str:
    (found,) = [it["value"] for it in body["dataAddress"]["endpointProperties"] if it["name"].endswith("/secret")]
    return str(found)


def test_answer_emits_no_message_to_who_asks(pair: Pair) -> None:
    pair.world.clock.advance(2400)
    before = len(pair.world.network.exchanges)
    answer = renew(pair)
    assert answer.status == 200
    assert len(pair.world.network.exchanges) == before


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"consumerPid": None}, "consumerPid"),
        ({"providerPid": None}, "providerPid"),
        ({"consumerPid": "another"}, "consumerPid"),
        ({"providerPid": ""}, "providerPid"),
        ({"@type": "TransferStartMessage"}, "@type"),
        ({"providerPid": ["a", "b"]}, "providerPid"),
    ],
)
def test_request_with_a_fault_is_refused_with_its_path(pair: Pair, changes: dict[str, Any], path: str) -> None:
    refused = body_of(renew(pair, **changes), 400)
    assert refused["@type"] == "TransferError"
    assert any(reason.startswith(path) for reason in refused["reason"])


def test_other_pid_of_the_same_provider_is_refused(pair: Pair) -> None:
    refused = body_of(renew(pair, providerPid="another"), 409)
    assert "sig=" not in str(refused)


@pytest.mark.parametrize(("name", "status"), [("stranger", 404), (None, 401)])
def test_nobody_but_the_provider_is_told(pair: Pair, name: str | None, status: int) -> None:
    answer = provider_of(pair, name).post(ADDRESS.format("transfer-1"), request(pair))
    assert body_of(answer, status)["@type"] == "TransferError"


def test_transfer_that_is_over_is_told_no_address(pair: Pair) -> None:
    consumer = pair.consumer
    order = Command(CommandKind.TERMINATE, "enough")
    consumer.emit(consumer.core.transfers.command("transfer-1", order, inline_seconds=1).looks)
    assert "no address is told in state TERMINATED" in str(body_of(renew(pair), 409)["reason"])


def test_consumer_is_told_how_far_its_transfer_has_come(pair: Pair) -> None:
    half = CopyProgress(blobs_done=3, bytes_done=30, blobs_total=6, bytes_total=60)
    flows = pair.provider.core.flows.engine
    assert flows.amend(theirs(pair), lambda flow: replace(flow, state=FlowState.SUSPENDED, progress=half))
    told = body_of(consumer_of(pair).get(PROGRESS.format(theirs(pair))))
    assert {name: told[name] for name in ("@type", "state", "blobsDone", "isTotalKnown", "bytesPerSecond")} == {
        "@type": "TransferProgress",
        "state": "SUSPENDED",
        "blobsDone": 3,
        "isTotalKnown": False,
        "bytesPerSecond": 0.0,
    }
    assert "etaSeconds" not in told


@pytest.mark.parametrize(("name", "status"), [("stranger", 404), (None, 401)])
def test_nobody_but_the_consumer_is_told_how_far_it_is(pair: Pair, name: str | None, status: int) -> None:
    answer = consumer_of(pair, name).get(PROGRESS.format(theirs(pair)))
    assert body_of(answer, status)["@type"] == "TransferError"


def test_address_is_no_message_of_the_protocol() -> None:
    assert "TransferAddressRequest" not in {kind.value for kind in MessageKind}


def test_client_of_the_wrong_side_finds_no_route(pair: Pair) -> None:
    wrong: DspClient = consumer_of(pair)
    with pytest.raises(AssertionError, match="no route"):
        wrong.post(ADDRESS.format("transfer-1"), request(pair))
