"""Whoever asks for the same thing again sets it going again: the process that began it may have died."""

from dataclasses import replace

import pytest

from ferry.domain.process import JsonObject
from ferry.domain.states import TransferState
from ferry.protocol.identity import MockIdentity
from tests.world.participants import Pair, make_pair

CONSUMER = MockIdentity("consumer").authorization("provider")


@pytest.fixture
def pair() -> Pair:
    """Two participants with an agreement."""
    return make_pair()


def test_repeated_order_goes_on_with_a_transfer_that_nobody_is_at(pair: Pair) -> None:
    order = replace(pair.order(), process_id="t-1", request_digest="same")
    pair.consumer.core.transfers.initiate(order, inline_seconds=0)
    again = pair.consumer.core.transfers.initiate(order, inline_seconds=0)
    assert [look.process_id for look in again.looks] == ["t-1"]
    pair.consumer.emit(again.looks)
    pair.drain()
    assert pair.transfer("t-1").state is TransferState.COMPLETED


def test_repeated_order_of_a_finished_transfer_looks_at_nothing(pair: Pair) -> None:
    order = replace(pair.order(), process_id="t-1", request_digest="same")
    pair.consumer.emit(pair.consumer.core.transfers.initiate(order, inline_seconds=0).looks)
    pair.drain()
    assert pair.consumer.core.transfers.initiate(order, inline_seconds=0).looks == ()


def test_repeated_request_goes_on_with_a_providers_transfer_that_nobody_is_at(pair: Pair) -> None:
    url, body = sent_request(pair)
    pair.provider.queue.clear()
    pair.provider.serve("POST", url, {"Authorization": CONSUMER}, body)
    assert len(pair.provider.queue.pending()) == 1


def sent_request(pair: Pair) -> tuple[str, JsonObject]:
    """The request of a transfer, and the address that it went to; the provider has not gone on with it."""
    handled = pair.consumer.core.transfers.initiate(pair.order(), inline_seconds=0)
    pair.consumer.emit(handled.looks)
    pair.consumer.work_once()
    sent = [it for it in pair.world.network.exchanges if it.url.endswith("/transfers/request")]
    assert sent[-1].body is not None
    return sent[-1].url, sent[-1].body
