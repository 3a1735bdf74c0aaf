"""One object that answers for the whole connector: the triggers hand it what came in and send on what comes out."""

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from ferry.adapters.look_messages import encode_look, parse_look
from ferry.api.did_document import did_document
from ferry.api.dsp.routes import Handle, dsp_routes
from ferry.api.http import ApiAnswer, ApiRequest
from ferry.domain.faults import FerryError, InvalidInput
from ferry.domain.message_kind import Role
from ferry.ports.work import QUEUE_OF_LANE, LookMessage, QueueName
from ferry.services import Surface, management
from ferry.services.azure import azure_outside
from ferry.services.compose import Core, compose
from ferry.services.dispatch import Dispatcher
from ferry.services.endpoint_table import DID_DOCUMENT, VERSION, endpoints
from ferry.services.route_values import SENT_PATH_HEADER, route_values
from ferry.settings import Settings
from ferry.telemetry import meters, traced
from ferry.telemetry.spans import Kind, Named, current

log = logging.getLogger("ferry.app")

type Emitted = Mapping[QueueName, list[str]]


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What an HTTP trigger sends back, and the queue messages that leave by its output bindings."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    emitted: Emitted = field(default_factory=dict[QueueName, list[str]])


class App:
    """The connector of one participant."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.dispatcher = Dispatcher(core)
        self._handlers = self._all_handlers()
        self._templates = {it.name: it.route for surface in Surface for it in endpoints(surface)}

    def http(
        self,
        name: str,
        *,
        method: str,
        url: str,
        headers: Mapping[str, str],
        route: Mapping[str, str],
        query: Mapping[str, str],
        body: bytes,
    ) -> HttpAnswer:
        """Answer the endpoint of that name."""
        told = {k.lower(): v for k, v in headers.items()}
        meant = route_values(self._templates[name], route, (told.get(SENT_PATH_HEADER, ""), url))
        request = ApiRequest(method, url, told, meant, query, body)
        with traced(request.headers.get("traceparent"), span=Named(f"{method} {name}", Kind.SERVER)):
            begun = time.perf_counter()
            answer = self._answer(name, request)
            current().note(http_status=answer.status)
            said = {"endpoint": name, "status": answer.status, "ms": round((time.perf_counter() - begun) * 1000, 1)}
            log.info("answered", extra={"ferry": said})
            return _http(answer)

    def queue(self, body: bytes) -> Emitted:
        """Handle a queue message. A body that says nothing is dropped with a line in the log."""
        message = _parsed(body)
        if message is None:
            return {}
        span = Named(f"look {message.lane.value}", Kind.CONSUMER, {"ferry.process": message.process_id})
        with traced(message.trace_parent, message.process_id, span=span):
            return _emitted(self.dispatcher.look(message))

    def poison(self, body: bytes) -> None:
        """Handle a message that failed too often: its body is kept in the log and with its process."""
        message = _parsed(body)
        if message is None:
            return
        with traced(message.trace_parent, message.process_id):
            text = body.decode(errors="replace")
            meters.tell(meters.POISONED, kind=message.lane.value)
            log.error("poison message", extra={"ferry": {"body": text, "process": message.process_id}})
            self.dispatcher.poisoned(message, text)

    def timer(self) -> Emitted:
        """One round of the janitor."""
        with traced(None):
            return _emitted(self.dispatcher.janitor_round())

    def blob(self, path: str, content: bytes) -> Emitted:
        """News of a blob whose name ends with `.complete`."""
        with traced(None):
            looks = self.dispatcher.blob_arrived(path, content)
            log.info("marker seen", extra={"ferry": {"blob": path, "step": 13}})
            return _emitted(looks)

    def faults(self) -> list[str]:
        """What keeps the app from working: storage or vault that do not answer."""
        found: list[str] = []
        for what, ask in (
            ("storage", lambda: self.core.outside.transfers.load("health")),
            ("vault", lambda: self.core.outside.vault.get("ferry-health")),
        ):
            try:
                ask()
            except FerryError as error:
                found.append(f"{what}: {error}")
        return found

    def _answer(self, name: str, request: ApiRequest) -> ApiAnswer:
        try:
            return self._handlers[name](request)
        except Exception:
            # What nobody foresaw: the caller learns that it was not its fault, the log learns everything.
            log.exception("unexpected error", extra={"ferry": {"endpoint": name}})
            return ApiAnswer(500)

    def _all_handlers(self) -> dict[str, Callable[[ApiRequest], ApiAnswer]]:
        handlers: dict[str, Callable[[ApiRequest], ApiAnswer]] = {
            VERSION.name: self.core.dsp.versions,
            DID_DOCUMENT.name: lambda request: did_document(self.core.outside.identity),
        }
        for role in Role:
            for route in dsp_routes(role):
                handlers[route.name] = self._dsp(route.handle)
        signaling, plane, edc = self.core.signaling, self.core.plane, self.core.edc_plane
        handlers |= {
            "dataflow_prepare": plane.prepare,
            "dataflow_start": plane.start,
            "dataflow_status": plane.status,
            "dataflow_suspend": plane.suspend,
            "dataflow_resume": plane.resume,
            "dataflow_complete": plane.complete,
            "dataflow_terminate": plane.terminate,
            "dataflow_begun": plane.started,
            "edc_flow_start": edc.start,
            "edc_flow_start_named": edc.start,
            "edc_flow_prepare": edc.prepare,
            "edc_flow_state": edc.state,
            "edc_flow_suspend": edc.suspend,
            "edc_flow_terminate": edc.terminate,
            "edc_flow_check": edc.check,
            "data_read": self.core.pull.read,
            "data_token": self.core.pull.refresh,
            "dataflow_prepared": signaling.prepared,
            "dataflow_started": signaling.started,
            "dataflow_completed": signaling.completed,
            "dataflow_errored": signaling.errored,
        }
        return handlers | management.handlers(self.core, self.dispatcher)

    def _dsp(self, handle: Handle) -> Callable[[ApiRequest], ApiAnswer]:
        return lambda request: handle(self.core.dsp, request)


def live_app(settings: Settings, environment: Mapping[str, str]) -> App:
    """The connector on Azure's services (or their emulators: nothing here knows)."""
    return App(compose(settings, azure_outside(settings, environment)))


def _parsed(body: bytes) -> LookMessage | None:
    try:
        return parse_look(body)
    except InvalidInput as error:
        log.error("dropped a queue message: %s", error, extra={"ferry": {"body": body[:500].decode(errors="replace")}})
        return None


def _emitted(looks: Iterable[LookMessage]) -> Emitted:
    emitted: dict[QueueName, list[str]] = {}
    for look in looks:
        emitted.setdefault(QUEUE_OF_LANE[look.lane], []).append(encode_look(look))
    return emitted


def _http(answer: ApiAnswer) -> HttpAnswer:
    body = b"" if answer.body is None else json.dumps(answer.body, ensure_ascii=False, default=_plain).encode()
    body = body if answer.content is None else answer.content
    headers = {"Content-Type": "application/json; charset=utf-8", **answer.headers}
    return HttpAnswer(answer.status, body, headers, _emitted(answer.looks))


def _plain(value: object) -> object:
    """Mappings of any kind as JSON; whatever else is no JSON is a defect."""
    if isinstance(value, Mapping):
        return dict(cast("Mapping[str, object]", value))
    raise TypeError(f"{type(value).__name__} is no JSON")
