"""A Functions host in a process: the app's own HTTP functions behind WSGI, on memory adapters.

Routes are matched as the local host matches them, a function gets what its bindings say, and what it puts on a queue
is worked off before the next request.
"""

import importlib
import inspect
import json
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import azure.functions as func
import pytest

from ferry import services
from ferry.adapters.look_messages import encode_look, parse_look
from ferry.adapters.memory_queue import MemoryTaskQueue
from ferry.devhost.routes import RouteTable, parse_route
from ferry.services.app import App
from ferry.services.compose import Core
from ferry.services.memory import MemoryWorld
from ferry.settings import read_settings
from tests.world.participants import Participant, participant

PARTICIPANT = "ferry"
PARTNER = "partner"
API_KEY = "management"
ENVIRONMENT = {
    "FERRY_PARTICIPANT_ID": PARTICIPANT,
    "FERRY_PUBLIC_URL": "http://ferry.test",
    "FERRY_VAULT_URL": "https://vault.test",
    "FERRY_API_KEY": API_KEY,
    "FERRY_IDENTITY": "mock",
    "FERRY_DESTINATION_ACCOUNT": "ferrydata",
    "FERRY_STORAGE_ACCOUNTS": json.dumps({"ferrydata": {"endpoint": "https://ferrydata.test"}}),
}
# How many queue messages are worked off after a request: what a client leaves behind must not make it slow.
WORK_LIMIT = 20

type Environ = dict[str, Any]
type StartResponse = Callable[[str, list[tuple[str, str]]], object]


class Output(func.Out[Any]):
    """An output binding that keeps what it is given."""

    def __init__(self) -> None:
        self.values: list[str] = []

    def set(self, val: Any) -> None:
        """Keep it."""
        self.values.extend(val)

    def get(self) -> Any:
        """What was given."""
        return self.values


@dataclass(slots=True)
class FunctionsHost:
    """The HTTP functions of the app over a world of its own; `renew` begins a new one.

    `knows_callers`: whoever calls has the right credentials, whatever a generated request says of them.
    """

    functions: Mapping[str, Callable[..., func.HttpResponse]]
    routes: RouteTable
    seed: Callable[[Participant, MemoryWorld], None]
    core: Core = field(init=False)
    calls: int = 0
    knows_callers: bool = True

    def renew(self) -> None:
        """Nothing of what was requested so far is left."""
        world = MemoryWorld()
        settings = read_settings(ENVIRONMENT)
        made = participant(world, settings)
        self.core = made.core
        services.connector.cache_clear()
        self.seed(made, world)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """WSGI."""
        answer = self._answer(environ)
        headers = list(answer.headers.items())
        if "Content-Type" not in answer.headers:
            # As the worker does for a function that gives only a media type.
            headers.append(("Content-Type", f"{answer.mimetype}; charset={answer.charset}"))
        start_response(f"{answer.status_code} status", headers)
        return [answer.get_body()]

    def _answer(self, environ: Environ) -> func.HttpResponse:
        self.calls += 1
        method, sent = str(environ["REQUEST_METHOD"]), str(environ["REQUEST_URI"])
        path, _, query = sent.partition("?")
        found = self.routes.find(method, path)
        if found is None:
            return func.HttpResponse(status_code=404)
        name, values = found
        request = func.HttpRequest(
            method,
            f"http://ferry.test{sent}",
            headers=_headers(environ) | (_credentials(path) if self.knows_callers else {}),
            params=dict(parse_qsl(query)),
            route_params=values,
            body=environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)),
        )
        function = self.functions[name]
        outputs = {parameter: Output() for parameter in inspect.signature(function).parameters if parameter != "req"}
        answer = function(request, **outputs)
        self._work([text for output in outputs.values() for text in output.values])
        return answer

    def _work(self, emitted: Iterable[str]) -> None:
        queue = self.core.outside.queue
        assert isinstance(queue, MemoryTaskQueue)
        for text in emitted:
            queue.send(parse_look(text), delay_seconds=0)
        for _ in range(WORK_LIMIT):
            delivery = queue.receive()
            if delivery is None:
                return
            more = services.connector().queue(encode_look(delivery.message).encode())
            queue.acknowledge(delivery)
            for texts in more.values():
                for text in texts:
                    queue.send(parse_look(text), delay_seconds=0)


@contextmanager
def functions_host(seed: Callable[[Participant, MemoryWorld], None]) -> Generator[FunctionsHost]:
    """The app of this tree, imported as a host imports it; its log goes nowhere."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        patch.setattr("ferry.telemetry.configure_logging", _silent)
        patch.setattr("ferry.services.app.live_app", _app_of(lambda: host))
        services.settings.cache_clear()
        app = importlib.import_module("function_app").app
        indexed = {it.get_function_name(): it for it in app.get_functions()}
        http = {name: it for name, it in indexed.items() if it.get_trigger().type == "httpTrigger"}
        routes = RouteTable(_routes(http))
        host = FunctionsHost({name: it.get_user_function() for name, it in http.items()}, routes, seed)
        host.renew()
        try:
            yield host
        finally:
            sys.modules.pop("function_app", None)
            services.settings.cache_clear()
            services.connector.cache_clear()


def _silent(*_: object) -> None:
    return None


def _app_of(host: Callable[[], FunctionsHost]) -> Callable[..., App]:
    def live_app(*_: object) -> App:
        return App(host().core)

    return live_app


def _routes(functions: Mapping[str, Any]) -> Iterator[Any]:
    for name, function in functions.items():
        trigger = function.get_trigger()
        methods = frozenset(str(getattr(it, "value", it)) for it in trigger.methods)
        yield parse_route(prefix="api", template=trigger.route, function_name=name, methods=methods)


def _credentials(path: str) -> dict[str, str]:
    """The management API's key; by the protocol it is the partner who calls, else this participant itself."""
    caller = PARTNER if path.startswith("/api/dsp/") else PARTICIPANT
    return {"x-api-key": API_KEY, "authorization": json.dumps({"clientId": caller})}


def _headers(environ: Environ) -> dict[str, str]:
    """A request's headers as the worker gives them."""
    named = {name[5:]: value for name, value in environ.items() if name.startswith("HTTP_")}
    named |= {name: environ[name] for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)}
    return {name.replace("_", "-").lower(): str(value) for name, value in named.items()}
