"""HttpPeer against servers on this machine: the contract suite, and every way in which a peer can misbehave."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from ferry.adapters.egress import EgressGuard, resolve
from ferry.adapters.http_peer import HttpPeer
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.emulators.certificates import create_certificate
from ferry.emulators.loopback_server import LoopbackServer, Request, Response
from ferry.ports.peer import Peer, PeerAnswer
from tests.contract.peer_suite import Answering, Asked, CallbacksSuite, Network, PeerSuite, authorization

pytestmark = pytest.mark.emulators

type Talk = Callable[[socket.socket], None]


class _Network:
    """Servers on this machine."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    @property
    def nowhere(self) -> str:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            return f"http://127.0.0.1:{unused.getsockname()[1]}"

    def serve(self, answering: Answering) -> str:
        def answer(request: Request) -> Response:
            body = request.json() if request.body else None
            identity, key = request.headers.get("authorization"), request.headers.get("x-key")
            told = answering(Asked(request.method, request.path, identity, body, key))
            return Response(told.status, told.body)

        return self.listen(answer).url

    def listen(self, answer: Callable[[Request], Response]) -> LoopbackServer:
        server = LoopbackServer(answer)
        self._stack.callback(server.close)
        return server

    def talk(self, talk: Talk) -> str:
        """A server that says what `talk` says, once per connection and after the request's head."""
        listener = socket.create_server(("127.0.0.1", 0))
        self._stack.callback(listener.close)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    try:
                        talk(connection)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def network(stack: ExitStack) -> _Network:
    return _Network(stack)


@pytest.fixture
def peer(stack: ExitStack) -> Peer:
    return _peer(stack, EgressGuard([], allow_loopback=True))


def _peer(stack: ExitStack, guard: EgressGuard, *, trace_parent: str | None = None) -> HttpPeer:
    peer = HttpPeer(
        guard,
        authorization=authorization,
        trace_parent=lambda: trace_parent,
        connect_timeout_seconds=2.0,
        read_timeout_seconds=0.5,
        answer_limit_bytes=100_000,
    )
    stack.callback(peer.close)
    return peer


class TestHttpPeer(PeerSuite, CallbacksSuite):
    """Real peers are peers."""


def test_peer_without_identity_shows_none(network: _Network, stack: ExitStack) -> None:
    arrived: list[Asked] = []

    def answer(asked: Asked) -> PeerAnswer:
        arrived.append(asked)
        return PeerAnswer(200)

    base = network.serve(answer)
    plain = HttpPeer(EgressGuard([], allow_loopback=True))
    stack.callback(plain.close)
    plain.get(f"{base}/did.json", audience=base)

    assert arrived == [Asked("GET", "/did.json", None, None)]


def test_list_of_errors_stands_under_reason(network: _Network, peer: Peer) -> None:
    content = b'[{"message": "no"}]'
    base = network.talk(lambda it: it.sendall(b"HTTP/1.1 409 Conflict\r\nContent-Length: 19\r\n\r\n" + content))

    assert peer.get(base, audience="provider").body == {"reason": [{"message": "no"}]}


@pytest.mark.parametrize("content", [b"", b"<html>", b"1", b"\xff", b'{"a":', b"[" * 50_000])
def test_answer_that_is_no_json_object_has_no_body(network: _Network, peer: Peer, content: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n\r\n".encode()
    base = network.talk(lambda it: it.sendall(head + content))

    assert peer.get(base, audience="provider") == PeerAnswer(200, None, {"content-length": str(len(content))})


def test_redirect_is_an_answer_and_is_not_followed(network: _Network, peer: Peer) -> None:
    paths: list[str] = []

    def answer(request: Request) -> Response:
        paths.append(request.path)
        return Response(302, None, {"Location": "/elsewhere"})

    answered = peer.get(f"{network.listen(answer).url}/here", audience="provider")

    assert (answered.status, paths) == (302, ["/here"])


def test_nothing_but_the_message_is_sent(network: _Network, stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    requests: list[Request] = []

    def answer(request: Request) -> Response:
        requests.append(request)
        return Response(200, None, {"Set-Cookie": "session=1; Path=/"})

    server = network.listen(answer)
    peer = _peer(stack, EgressGuard([], allow_loopback=True), trace_parent=f"00-{'a' * 32}-{'b' * 16}-01")
    for _ in range(2):
        peer.post(f"{server.url}/x", {}, audience="provider")

    assert dict(requests[1].headers) == {
        "host": f"127.0.0.1:{server.port}",
        "accept": "application/json",
        "accept-encoding": "identity",
        "authorization": "token for provider",
        "content-length": "2",
        "content-type": "application/json",
        "traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
        "user-agent": "ferry",
    }


def _trickle(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(100):
        connection.sendall(f"X-{number}: 1\r\n".encode())
        time.sleep(0.05)


def _trickle_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        connection.sendall(b"x")
        time.sleep(0.05)


def _silence(connection: socket.socket) -> None:
    connection.recv(1)


def _cut(connection: socket.socket) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"a":')


def _hang_up(connection: socket.socket) -> None:
    connection.close()


def _speak_something_else(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-x\r\n\r\n")


@pytest.mark.parametrize("talk", [_trickle, _trickle_body, _silence, _cut, _hang_up, _speak_something_else])
def test_peer_that_does_not_answer_in_time_or_not_in_http_is_unreachable(
    network: _Network, peer: Peer, talk: Talk
) -> None:
    reached = threading.Event()

    def talk_once_reached(connection: socket.socket) -> None:
        reached.set()
        talk(connection)

    base = network.talk(talk_once_reached)
    started = time.monotonic()
    with pytest.raises(EffectFailed) as failed:
        peer.post(base, {}, audience="provider", timeout_seconds=1.0)

    assert (failed.value.fault.code, failed.value.fault.retryable) == (FaultCode.PEER_UNREACHABLE, True)
    assert time.monotonic() - started < 2.5
    assert reached.is_set()


def test_header_that_cannot_be_sent_is_not_shown(stack: ExitStack, network: _Network) -> None:
    guard = EgressGuard([], allow_loopback=True)
    peer = HttpPeer(guard, authorization=lambda audience: "s3cr3t\r\nX: 1")
    stack.callback(peer.close)

    with pytest.raises(EffectFailed) as failed:
        peer.get(network.talk(_silence), audience="provider")

    assert "s3cr3t" not in f"{failed.value} {failed.value.__cause__}"


def test_endless_answer_is_refused(network: _Network, peer: Peer) -> None:
    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with pytest.raises(EffectFailed) as failed:
        peer.get(network.talk(pour), audience="provider")

    assert (failed.value.fault.code, failed.value.fault.retryable) == (FaultCode.PEER_REFUSED, False)


def test_compressed_answer_is_not_inflated(network: _Network, peer: Peer) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 20\r\n\r\n"
    base = network.talk(lambda it: it.sendall(head + b"\x1f\x8b" + b"\x00" * 18))

    assert peer.get(base, audience="provider").body is None


def test_connection_is_kept_and_its_host_is_resolved_once(network: _Network, stack: ExitStack) -> None:
    asked: list[str] = []
    hosts: list[str] = []

    def resolver(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"]

    def answer(request: Request) -> Response:
        hosts.append(request.headers["host"])
        return Response(200, {})

    server = network.listen(answer)
    peer = _peer(stack, EgressGuard([], allow_loopback=True, resolver=resolver))
    for _ in range(5):
        peer.post(f"http://peer.localhost:{server.port}/x", {}, audience="provider")

    assert asked == ["peer.localhost"]
    assert hosts == [f"peer.localhost:{server.port}"] * 5


@pytest.mark.parametrize("found", [["10.0.0.1"], ["93.184.215.14", "169.254.169.254"]])
def test_host_that_leads_elsewhere_when_it_is_connected_is_forbidden(stack: ExitStack, found: Sequence[str]) -> None:
    peer = _peer(stack, EgressGuard(["provider.example"], resolver=lambda host, port: found))

    with pytest.raises(EffectFailed) as failed:
        peer.post("https://provider.example/x", {}, audience="provider")

    assert failed.value.fault.code == FaultCode.ADDRESS_FORBIDDEN


def test_forbidden_url_is_not_even_resolved(stack: ExitStack) -> None:
    asked: list[str] = []
    peer = _peer(stack, EgressGuard(["provider.example"], resolver=lambda host, port: asked))

    with pytest.raises(EffectFailed, match="ADDRESS_FORBIDDEN"):
        peer.post("https://evil.example/x", {}, audience="provider")

    assert asked == []


def test_next_address_is_tried_where_one_does_not_answer(network: _Network, stack: ExitStack) -> None:
    server = network.listen(lambda request: Response(200, {}))
    guard = EgressGuard([], allow_loopback=True, resolver=lambda host, port: ["127.0.0.2", "127.0.0.1"])

    assert _peer(stack, guard).get(f"http://peer.localhost:{server.port}/x", audience="provider").status == 200


def test_peer_that_restarted_is_reached_again(network: _Network, peer: Peer) -> None:
    server = network.listen(lambda request: Response(200, {}))
    assert peer.get(server.url, audience="provider").status == 200

    server.refuse_for(30.0)
    with pytest.raises(EffectFailed, match="PEER_UNREACHABLE"):
        peer.get(server.url, audience="provider")
    server.reopen()

    assert peer.get(server.url, audience="provider").status == 200


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_tls_is_verified_against_the_bundle_in_the_environment_and_the_name(
    tmp_path: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    certificate = create_certificate(tmp_path)
    server = LoopbackServer(lambda request: Response(200, {"host": request.headers["host"]}), certificate=certificate)
    stack.callback(server.close)
    guard = EgressGuard([], allow_loopback=True, resolver=lambda host, port: ["127.0.0.1"])
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    stranger = _peer(stack, guard)
    with pytest.raises(EffectFailed, match="PEER_UNREACHABLE"):
        stranger.get(f"https://localhost:{server.port}/", audience="provider")

    monkeypatch.setenv(variable, str(certificate.bundle_path))
    peer = _peer(stack, guard)

    host = f"localhost:{server.port}"
    assert peer.get(f"https://{host}/", audience="provider").body == {"host": host}
    with pytest.raises(EffectFailed, match="PEER_UNREACHABLE"):
        peer.get(f"https://wrong.name.localhost:{server.port}/", audience="provider")


def test_system_resolver_knows_this_machine() -> None:
    assert "127.0.0.1" in resolve("localhost", 80)


def test_fixture_is_a_network(network: Network) -> None:
    assert network.nowhere.startswith("http://127.0.0.1:")
