"""Health and version: Ferry's own answers and EDC's shapes of them."""

import subprocess
import sys
from typing import Any

import pytest

from ferry.api.health import HEALTH_ROUTES, Question, health_answer

FAULT = "storage: no answer: within 5 s"


def _asked(path: str, *faults: str) -> tuple[int, Any]:
    route = next(it for it in HEALTH_ROUTES if it.path == path)
    return health_answer(route, faults=faults, participant_id="p", roles=["consumer"])


def test_live_app_says_who_it_is() -> None:
    assert _asked("health/live") == (200, {"status": "live", "participantId": "p", "roles": ["consumer"]})


def test_app_without_storage_is_not_ready_and_says_why() -> None:
    assert _asked("health/ready") == (200, {"status": "ready", "faults": []})
    assert _asked("health/ready", FAULT) == (503, {"status": "not ready", "faults": [FAULT]})


@pytest.mark.parametrize("what", ["health", "readiness", "startup"])
def test_check_names_the_component_that_fails(what: str) -> None:
    status, told = _asked(f"check/{what}", FAULT)

    assert status == 503
    assert told["isSystemHealthy"] is False
    failed = [it for it in told["componentResults"] if not it["isHealthy"]]
    assert failed == [{"component": "storage", "isHealthy": False, "failure": {"messages": ["no answer: within 5 s"]}}]


def test_liveness_asks_nobody() -> None:
    asking = {it.path for it in HEALTH_ROUTES if it.asks_storage}
    assert asking == {"health/ready", "check/health", "check/readiness", "check/startup"}
    alive = {"component": "app", "isHealthy": True, "failure": None}
    assert _asked("check/liveness") == (200, {"componentResults": [alive], "isSystemHealthy": True})


def test_version_names_both_management_apis() -> None:
    status, told = _asked("v1/version")
    assert status == 200
    assert [it["urlPath"] for it in told["management"]] == ["/v3", "/v4"]
    assert {route.question for route in HEALTH_ROUTES} == set(Question)


def test_reading_the_table_imports_nothing_of_the_connector() -> None:
    code = "import sys, ferry.api.health; print(*(m for m in sys.modules if m.startswith('ferry')))"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert found == ["ferry", "ferry.api", "ferry.api.health"]
