"""What every Peer does; a test module gives the fixtures `network` and `peer` and subclasses this."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import pytest

from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import JsonObject
from ferry.domain.secret import Secret
from ferry.ports.callbacks import Callbacks
from ferry.ports.peer import Peer, PeerAnswer


def authorization(audience: str) -> str:
    """The Authorization header of the peer under test."""
    return f"token for {audience}"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    authorization: str | None
    body: JsonObject | None
    key: str | None = None


class Answering(Protocol):
    """Answers what arrives."""

    def __call__(self, asked: Asked, /) -> PeerAnswer:
        """The answer to one request."""
        ...


class Network(Protocol):
    """Where the other side can be put."""

    @property
    def nowhere(self) -> str:
        """A base at which nobody answers."""
        ...

    def serve(self, answering: Answering) -> str:
        """Put another participant there; its base."""
        ...


class CallbacksSuite:
    """Events to the callbacks of clients; `peer` is both."""

    def test_event_arrives_with_its_header_and_without_our_identity(self, network: Network, peer: Callbacks) -> None:
        arrived: list[Asked] = []

        def answering(asked: Asked) -> PeerAnswer:
            arrived.append(asked)
            return PeerAnswer(202)

        base = network.serve(answering)
        headers = {"x-key": Secret("k-1"), "X-Other": Secret("o")}

        assert peer.deliver(f"{base}/hook", {"type": "ä"}, headers=headers) == 202
        assert arrived == [Asked("POST", "/hook", None, {"type": "ä"}, "k-1")]

    def test_authorization_may_be_the_callbacks_own(self, network: Network, peer: Callbacks) -> None:
        arrived: list[Asked] = []

        def answering(asked: Asked) -> PeerAnswer:
            arrived.append(asked)
            return PeerAnswer(200)

        base = network.serve(answering)
        peer.deliver(f"{base}/hook", {}, headers={"Authorization": Secret("Bearer mine")})

        assert [asked.authorization for asked in arrived] == ["Bearer mine"]

    def test_receiver_that_is_away_is_worth_another_try(self, network: Network, peer: Callbacks) -> None:
        with pytest.raises(EffectFailed) as failed:
            peer.deliver(f"{network.nowhere}/hook", {}, headers={})

        assert (failed.value.fault.code, failed.value.fault.retryable) == (FaultCode.PEER_UNREACHABLE, True)


class PeerSuite:
    """JSON to other participants."""

    def test_posted_message_arrives_with_our_identity_and_is_answered(self, network: Network, peer: Peer) -> None:
        arrived: list[Asked] = []

        def answering(asked: Asked) -> PeerAnswer:
            arrived.append(asked)
            return PeerAnswer(201, {"state": "REQUESTED", "pid": "ü"})

        base = network.serve(answering)
        answer = peer.post(f"{base}/transfers/request", {"format": "ä", "n": [1, None]}, audience="provider")

        assert (answer.status, answer.body) == (201, {"state": "REQUESTED", "pid": "ü"})
        assert arrived == [Asked("POST", "/transfers/request", "token for provider", {"format": "ä", "n": [1, None]})]

    def test_question_has_no_body(self, network: Network, peer: Peer) -> None:
        arrived: list[Asked] = []

        def answering(asked: Asked) -> PeerAnswer:
            arrived.append(asked)
            return PeerAnswer(200, {"state": "STARTED"})

        base = network.serve(answering)
        answer = peer.get(f"{base}/transfers/pid-1", audience="provider")

        assert (answer.status, answer.body) == (200, {"state": "STARTED"})
        assert arrived == [Asked("GET", "/transfers/pid-1", "token for provider", None)]

    @pytest.mark.parametrize("status", [200, 204, 400, 401, 404, 409, 500, 503])
    def test_every_status_is_an_answer(self, network: Network, peer: Peer, status: int) -> None:
        base = network.serve(lambda _: PeerAnswer(status))

        answer = peer.post(f"{base}/x", {}, audience="provider")

        assert (answer.status, answer.body) == (status, None)

    def test_nobody_there_is_worth_another_try(self, network: Network, peer: Peer) -> None:
        with pytest.raises(EffectFailed) as failed:
            peer.post(f"{network.nowhere}/transfers/request", {}, audience="provider")

        assert (failed.value.fault.code, failed.value.fault.retryable) == (FaultCode.PEER_UNREACHABLE, True)

    def test_threads_share_one_peer(self, network: Network, peer: Peer) -> None:
        base = network.serve(lambda asked: PeerAnswer(200, asked.body))

        def echoed(number: int) -> bool:
            return peer.post(f"{base}/echo", {"n": number}, audience="provider").body == {"n": number}

        with ThreadPoolExecutor(8) as threads:
            assert all(threads.map(echoed, range(40)))
