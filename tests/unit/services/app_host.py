"""The least of a Functions host around the whole connector: routes, queues with poison, a timer, a blob trigger."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ferry.adapters.look_messages import encode_look, parse_look
from ferry.adapters.memory_queue import MemoryTaskQueue
from ferry.domain.process import JsonObject
from ferry.ports.peer import PeerAnswer
from ferry.services import Endpoint, Surface, endpoints
from ferry.services.app import App, Emitted, HttpAnswer
from ferry.services.compose import compose
from ferry.services.memory import MemoryWorld, memory_outside
from ferry.services.outside import Outside
from ferry.settings import Settings


@dataclass(slots=True)
class AppHost:
    """One app and what the host does for it. Whatever is written to standard error is not looked at."""

    app: App
    queue: MemoryTaskQueue
    outside: Outside
    endpoints: list[Endpoint] = field(default_factory=list[Endpoint])

    def request(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> HttpAnswer | None:
        """Answer a request below `/api`; None where no route fits. What it emits is on the queue before the answer."""
        for endpoint in self.endpoints:
            match = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", endpoint.route), path)
            if match and endpoint.method == method:
                answer = self.app.http(
                    endpoint.name,
                    method=method,
                    url=path,
                    headers=headers or {},
                    route=match.groupdict(),
                    query={},
                    body=body,
                )
                self.emit(answer.emitted)
                return answer
        return None

    def serve(self, method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
        """Answer a peer."""
        raw = b"" if body is None else json.dumps(body).encode()
        answer = self.request(method, url.partition("/api/")[2], raw, headers)
        if answer is None:
            return PeerAnswer(404)
        return PeerAnswer(answer.status, json.loads(answer.body) if answer.body else None)

    def emit(self, emitted: Emitted) -> None:
        """The output bindings."""
        for texts in emitted.values():
            for text in texts:
                self.queue.send(parse_look(text), delay_seconds=0)

    def work_once(self) -> bool:
        """Handle one visible queue message; False where there is none."""
        delivery = self.queue.receive()
        if delivery is None:
            return False
        self.emit(self.app.queue(encode_look(delivery.message).encode()))
        self.queue.acknowledge(delivery)
        return True


def app_host(world: MemoryWorld, settings: Settings, *surfaces: Surface, outside: Outside | None = None) -> AppHost:
    """An app that answers these surfaces on the world's network."""
    made = outside or memory_outside(world, settings.participant_id)
    assert isinstance(made.queue, MemoryTaskQueue)
    found = [endpoint for surface in surfaces for endpoint in endpoints(surface)]
    host = AppHost(App(compose(settings, made)), made.queue, made, found)
    world.network.attach(settings.public_url, host.serve)
    return host
