"""MemoryPeer, held to the contract suite, and what its network does beyond it."""

from collections.abc import Mapping

import pytest

from ferry.adapters.memory_peer import MemoryNetwork, MemoryPeer
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import JsonObject
from ferry.ports.peer import Peer, PeerAnswer
from tests.contract.peer_suite import Answering, Asked, CallbacksSuite, Network, PeerSuite, authorization

BASE = "https://peer.example/dsp"


class _Network:
    """A MemoryNetwork with one other participant."""

    nowhere = "https://nowhere.example"

    def __init__(self) -> None:
        self.memory = MemoryNetwork()

    def serve(self, answering: Answering) -> str:
        def handle(method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
            return answering(
                Asked(method, url.removeprefix(BASE), headers.get("Authorization"), body, headers.get("x-key"))
            )

        self.memory.attach(BASE, handle)
        return BASE


def _says(text: str) -> "_Saying":
    return _Saying(text)


class _Saying:
    """Answers everything with the same word."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        return PeerAnswer(200, {"said": self._text})


@pytest.fixture
def network() -> Network:
    return _Network()


@pytest.fixture
def peer(network: Network) -> Peer:
    assert isinstance(network, _Network)
    return MemoryPeer(network.memory, authorization=authorization)


class TestMemoryPeer(PeerSuite, CallbacksSuite):
    """In-memory peers are peers."""


def test_longest_prefix_answers() -> None:
    memory = MemoryNetwork()
    memory.attach(f"{BASE}/", _says("provider"))
    memory.attach(f"{BASE}/consumer", _says("consumer"))
    peer = MemoryPeer(memory)

    assert peer.get(f"{BASE}/transfers/1", audience="").body == {"said": "provider"}
    assert peer.get(f"{BASE}/consumer/transfers/1?x=/y", audience="").body == {"said": "consumer"}
    assert peer.get(f"{BASE}/consumers", audience="").body == {"said": "provider"}
    with pytest.raises(EffectFailed):
        peer.get(f"{BASE}2/transfers/1", audience="")


def test_detached_peer_answers_no_more_and_every_exchange_is_kept() -> None:
    memory = MemoryNetwork()
    memory.attach(BASE, _says("here"))
    peer = MemoryPeer(memory)

    peer.post(f"{BASE}/x", {"n": 1}, audience="")
    memory.detach(BASE)
    with pytest.raises(EffectFailed):
        peer.post(f"{BASE}/x", {"n": 2}, audience="")

    assert [(it.body, it.answer and it.answer.status) for it in memory.exchanges] == [({"n": 1}, 200), ({"n": 2}, None)]


def test_lost_answer_is_the_senders_to_handle() -> None:
    memory = MemoryNetwork()
    received: list[JsonObject | None] = []

    def lose(method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        received.append(body)
        raise EffectFailed.because(FaultCode.PEER_UNREACHABLE, "the answer was lost", retryable=True)

    memory.attach(BASE, lose)
    with pytest.raises(EffectFailed, match="the answer was lost"):
        MemoryPeer(memory).post(f"{BASE}/x", {"n": 1}, audience="")

    assert received == [{"n": 1}]


def test_body_is_a_copy_and_must_be_json() -> None:
    memory = MemoryNetwork()
    kept: list[JsonObject | None] = []

    def keep(method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        kept.append(body)
        return PeerAnswer(200)

    memory.attach(BASE, keep)
    sent = {"list": [1]}
    MemoryPeer(memory).post(f"{BASE}/x", sent, audience="")
    sent["list"].append(2)

    assert kept == [{"list": [1]}]
    with pytest.raises(TypeError):
        MemoryPeer(memory).post(f"{BASE}/x", {"secret": object()}, audience="")  # pyright: ignore[reportArgumentType]
