"""When the janitor's timer fires."""

import json
from collections.abc import Iterator

import azure.functions as func
import pytest

from ferry import services
from shared_fns.janitor import register_janitor


@pytest.fixture(autouse=True)
def own_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The settings that must be given, and a schedule."""
    given = {"PARTICIPANT_ID": "consumer", "PUBLIC_URL": "http://c.test", "VAULT_URL": "https://v.test", "API_KEY": "k"}
    for name, value in {**given, "IDENTITY": "mock", "JANITOR_SCHEDULE": "*/20 * * * * *"}.items():
        monkeypatch.setenv(f"FERRY_{name}", value)
    services.settings.cache_clear()
    yield
    services.settings.cache_clear()


def test_janitor_comes_by_its_schedule_and_at_the_start_of_a_host_that_may_follow_a_dead_one() -> None:
    blueprint = func.Blueprint()
    register_janitor(blueprint)
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    app.register_functions(blueprint)
    (function,) = app.get_functions()
    bindings = json.loads(function.get_function_json())["bindings"]
    (trigger,) = [binding for binding in bindings if binding["type"] == "timerTrigger"]
    assert (trigger["schedule"], trigger["runOnStartup"]) == ("*/20 * * * * *", True)
