"""A relay between two participants that swallows chosen messages: the sender sees its connection close unanswered."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self, cast

import httpx2

_PASSED_ON = ("Authorization", "Content-Type", "Accept", "traceparent")
_TIMEOUT_SECONDS = 30.0


class PeerRelay:
    """Relays HTTP on loopback to `upstream`; a path that ends with one of `swallowed` is neither relayed nor answered.

    Both may be changed at any time. Use it as a context manager.
    """

    def __init__(self) -> None:
        self.upstream = ""
        self.swallowed: tuple[str, ...] = ()
        self.swallowed_count = 0
        self.http = httpx2.Client(timeout=_TIMEOUT_SECONDS, trust_env=False)
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, name="peer-relay", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self.http.close()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_port}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, relay: PeerRelay) -> None:
        self.relay = relay
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Relay it."""
        self._relay()

    def do_POST(self) -> None:
        """Relay it, or not."""
        self._relay()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the participants have logs of their own."""

    def _relay(self) -> None:
        relay = cast("_Server", self.server).relay
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if relay.swallowed and self.path.endswith(relay.swallowed):
            relay.swallowed_count += 1
            self.close_connection = True
            return
        headers = {name: value for name in _PASSED_ON if (value := self.headers.get(name))}
        answer = relay.http.request(self.command, relay.upstream + self.path, content=body, headers=headers)
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)
