"""The whole connector behind its triggers: endpoints by name, queue messages, poison, timer, blob, health, errors."""

import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from ferry.adapters.look_messages import encode_look
from ferry.adapters.memory_store import MemoryProcessStore
from ferry.adapters.memory_vault import MemoryVault
from ferry.api.dsp.routes import dsp_routes
from ferry.api.management.routes import MANAGEMENT_ROUTES
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.looks import QUEUE_OF_LANE, Lane, LookMessage, QueueName, queue_name
from ferry.domain.message_kind import Role
from ferry.domain.secret import Secret
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.stores import Record
from ferry.protocol.identity import MockIdentity
from ferry.services import Surface, endpoints
from ferry.services.app import App
from ferry.services.compose import compose
from ferry.services.memory import MemoryWorld, memory_outside
from ferry.services.outside import Outside
from tests.unit.services.app_host import AppHost, app_host
from tests.world.participants import settings_of

KEY = {"x-api-key": "management"}


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld()


@pytest.fixture
def host(world: MemoryWorld) -> AppHost:
    """An app with every surface."""
    return app_host(world, settings_of("participant"), *Surface)


def call(host: AppHost, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    raw = b"" if body is None else json.dumps(body).encode()
    answer = host.request(method, path, raw, {k.replace("_", "-"): v for k, v in headers.items()})
    assert answer is not None, path
    return answer.status, json.loads(answer.body) if answer.body else None


# --- endpoints --------------------------------------------------------------------------------------------------


def test_every_endpoint_of_every_surface_has_a_handler_and_a_name_of_its_own(host: AppHost) -> None:
    found = [endpoint for surface in Surface for endpoint in endpoints(surface)]
    names = [endpoint.name for endpoint in found]
    assert len(set(names)) == len(names)
    for endpoint in found:
        url = endpoint.route.replace("{id}", "x").replace("{pid}", "x")
        answer = host.app.http(
            endpoint.name, method=endpoint.method, url=url, headers={}, route={}, query={}, body=b"{}"
        )
        assert answer.status != 500, endpoint


def test_no_two_endpoints_share_method_and_route() -> None:
    found = [(it.method, it.route) for surface in Surface for it in endpoints(surface)]
    assert len(set(found)) == len(found)


def test_every_route_of_the_apis_is_an_endpoint() -> None:
    routes = {(it.method, it.route) for surface in Surface for it in endpoints(surface)}
    for role, base in ((Role.PROVIDER, "dsp/2025-1/"), (Role.CONSUMER, "dsp/2025-1/consumer/")):
        assert {(it.method, base + it.path) for it in dsp_routes(role)} <= routes
    assert {(it.method, it.path) for it in MANAGEMENT_ROUTES} <= routes


def test_endpoints_of_a_role_stand_with_that_role() -> None:
    surfaces = {it.route: surface for surface in Surface for it in endpoints(surface)}
    assert surfaces["dsp/2025-1/transfers/request"] is Surface.PROVIDER_DSP
    assert surfaces["dsp/2025-1/consumer/transfers/{pid}/start"] is Surface.CONSUMER_DSP
    assert surfaces["dataflows/start"] is Surface.DATA_PLANE
    assert surfaces["control/transfers/{id}/dataflow/completed"] is Surface.CONTROL
    assert surfaces["dsp/.well-known/dspace-version"] is Surface.PUBLIC
    assert surfaces["dsp/2025-1/negotiations/offers"] is Surface.CONSUMER_DSP
    assert surfaces["dsp/2025-1/negotiations/{pid}/termination"] is Surface.SHARED_DSP
    assert "dsp/2025-1/consumer/negotiations/offers" not in surfaces


def test_answer_is_json_with_its_type(host: AppHost) -> None:
    answer = host.request("GET", "dsp/.well-known/dspace-version")
    assert answer is not None
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    assert json.loads(answer.body)["protocolVersions"][0]["version"] == "2025-1"


def test_header_names_count_in_any_case(host: AppHost) -> None:
    for name in ("X-API-KEY", "x-api-key", "X-Api-Key"):
        answer = host.request("GET", "management/v3/assets/none", headers={name: "management"})
        assert answer is not None and answer.status == 404
    answer = host.request("GET", "management/v3/assets/none")
    assert answer is not None and answer.status == 401


def test_peer_is_known_by_its_header(host: AppHost) -> None:
    token = MockIdentity("peer").authorization("x")
    assert call(host, "GET", "dsp/2025-1/transfers/none", Authorization=token)[0] == 404
    assert call(host, "GET", "dsp/2025-1/transfers/none")[0] == 401


class _DefectiveIdentity(MockIdentity):
    """An identity with a defect."""

    def identify(self, authorization: str | None) -> str:
        """What nobody foresaw."""
        raise ZeroDivisionError(authorization)


def test_defect_is_answered_with_nothing_but_its_status_and_logged_with_everything(
    world: MemoryWorld, caplog: pytest.LogCaptureFixture
) -> None:
    outside = replace(memory_outside(world, "participant"), identity=_DefectiveIdentity("participant"))
    host = app_host(world, settings_of("participant"), Surface.PROVIDER_DSP, outside=outside)
    token = {"Authorization": MockIdentity("peer").authorization("x")}
    with caplog.at_level(logging.ERROR, logger="ferry.app"):
        answer = host.request("GET", "dsp/2025-1/catalog/datasets/x", headers=token)
    assert answer is not None
    assert (answer.status, answer.body) == (500, b"")
    assert "ZeroDivisionError" in caplog.text


# --- queues -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"lane": "nowhere", "process": "x"}', b"\xff"])
def test_message_that_says_nothing_is_dropped_with_a_line_in_the_log(
    host: AppHost, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, logger="ferry.app"):
        assert host.app.queue(body) == {}
        host.app.poison(body)
    assert caplog.text.count("dropped a queue message") == 2


@pytest.mark.parametrize("lane", Lane)
def test_message_about_a_process_that_is_gone_is_handled(host: AppHost, lane: Lane) -> None:
    body = encode_look(LookMessage(lane, "gone")).encode()
    assert host.app.queue(body) == {}
    host.app.poison(body)


def test_each_lane_has_the_queue_of_its_role() -> None:
    assert {lane: queue.value for lane, queue in QUEUE_OF_LANE.items()} == {
        Lane.TRANSFER_CONSUMER: "consumer-tasks",
        Lane.NEGOTIATION_CONSUMER: "consumer-tasks",
        Lane.TRANSFER_PROVIDER: "provider-tasks",
        Lane.NEGOTIATION_PROVIDER: "provider-tasks",
        Lane.DATA_FLOW: "dataplane-tasks",
        Lane.PLANE_FLOW: "dataplane-tasks",
        Lane.COPY_PAGE: "dataplane-tasks",
    }
    assert queue_name("ferry", QueueName.DATA_PLANE) == "ferry-dataplane-tasks"


def test_poison_message_is_kept_in_the_log(host: AppHost, caplog: pytest.LogCaptureFixture) -> None:
    body = encode_look(LookMessage(Lane.TRANSFER_CONSUMER, "gone", 3)).encode()
    with caplog.at_level(logging.ERROR, logger="ferry.app"):
        host.app.poison(body)
    (record,) = [it for it in caplog.records if it.name == "ferry.app"]
    assert record.__dict__["ferry"] == {"body": body.decode(), "process": "gone"}


def test_timer_of_an_idle_app_emits_nothing(host: AppHost) -> None:
    assert host.app.timer() == {}
    assert host.queue.next_visible_at() is None


def test_marker_of_nobody_emits_nothing(host: AppHost) -> None:
    assert host.app.blob("container/.complete", b"") == {}


# --- health -----------------------------------------------------------------------------------------------------


class _SilentVault(MemoryVault):
    """A vault that does not answer."""

    def get(self, name: str) -> Secret | None:
        """No answer."""
        raise EffectFailed.because(FaultCode.VAULT_UNAVAILABLE, "the vault does not answer", retryable=True)


class _SilentStore(MemoryProcessStore[TransferProcess]):
    """A store that does not answer."""

    def load(self, process_id: str) -> Record[TransferProcess] | None:
        """No answer."""
        raise EffectFailed.because(FaultCode.STORAGE_UNAVAILABLE, "the table does not answer", retryable=True)


def app_of(outside: Outside) -> App:
    return App(compose(settings_of("participant"), outside))


def test_healthy_app_has_no_faults(host: AppHost) -> None:
    assert host.app.faults() == []


def test_every_service_that_is_away_is_named(world: MemoryWorld) -> None:
    outside = memory_outside(world, "participant")
    silent = replace(outside, vault=_SilentVault(world.clock), transfers=_SilentStore(TransferProcess))
    assert app_of(silent).faults() == [
        "storage: STORAGE_UNAVAILABLE: the table does not answer",
        "vault: VAULT_UNAVAILABLE: the vault does not answer",
    ]


def test_settings_lead_to_accounts_and_what_peers_are_told_of_them(world: MemoryWorld) -> None:
    told = {
        "known": {"endpoint": "https://known.example.org"},
        "keyed": {"keyName": "k"},
        "plain": {"credential": "identity"},
    }
    settings = settings_of("participant", FERRY_STORAGE_ACCOUNTS=json.dumps(told))
    core = compose(settings, memory_outside(world, "participant"))
    assert core.transfers.public_endpoint("known", None) == "https://known.example.org"
    assert core.transfers.public_endpoint("keyed", None) is None
    assert core.transfers.public_endpoint("other", None) is None
    assert core.transfers.public_endpoint("other", "https://other.blob.core.windows.net") is None
