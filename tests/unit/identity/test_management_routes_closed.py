"""Every route of the management API behind every kind of access: closed to whoever shows nothing, or too little."""

import pytest

from ferry.api.management.access import Need, need_of
from ferry.api.management.routes import MANAGEMENT_ROUTES, Route
from ferry.ports.peer import PeerAnswer
from ferry.services import Surface, endpoints
from ferry.services.app import App, HttpAnswer
from ferry.services.compose import compose
from ferry.services.memory import MemoryWorld, memory_outside
from ferry.settings import Settings
from tests.unit.identity.forge import rsa_jwk, rsa_key_of
from tests.unit.identity.test_management_access import AUDIENCE, JWKS, recipe
from tests.world.participants import settings_of

SETTINGS: dict[str, Settings] = {
    "api-key": settings_of("participant"),
    "entra": settings_of(
        "participant",
        FERRY_MANAGEMENT_AUTH="entra",
        FERRY_ENTRA_TENANT="tenant",
        FERRY_ENTRA_AUDIENCE=AUDIENCE,
    ),
}


def _publish(method: str, url: str, headers: object, body: object) -> PeerAnswer:
    return PeerAnswer(200, {"keys": [rsa_jwk(rsa_key_of("entra"), "entra")]})


@pytest.fixture(scope="module")
def apps() -> dict[str, App]:
    """An app for each kind of access that the connector itself checks."""
    world = MemoryWorld()
    world.network.attach(JWKS, _publish)
    return {
        kind: App(compose(settings, memory_outside(world, "participant", settings)))
        for kind, settings in SETTINGS.items()
    }


def asked(app: App, route: Route, headers: dict[str, str]) -> HttpAnswer:
    """What the route answers to nonsense with these headers."""
    values = {"id": "x", "rest": "x"}
    return app.http(
        route.name, method=route.method, url=route.path, headers=headers, route=values, query={}, body=b"no JSON"
    )


@pytest.mark.parametrize("kind", SETTINGS)
@pytest.mark.parametrize("route", MANAGEMENT_ROUTES, ids=lambda it: it.name)
def test_whoever_shows_nothing_is_refused(apps: dict[str, App], kind: str, route: Route) -> None:
    assert asked(apps[kind], route, {}).status == 401
    assert asked(apps[kind], route, {"x-api-key": "wrong", "authorization": "Bearer a.b.c"}).status == 401


@pytest.mark.parametrize("route", MANAGEMENT_ROUTES, ids=lambda it: it.name)
def test_token_opens_the_routes_of_its_scope_alone(apps: dict[str, App], route: Route) -> None:
    for need in Need:
        header = {"authorization": "Bearer " + recipe().token(scp=need.value)}
        status = asked(apps["entra"], route, header).status
        assert (status == 403) == (need is not need_of(route)), (route, need, status)
        assert status != 401


def test_key_of_the_other_kind_of_access_opens_nothing(apps: dict[str, App]) -> None:
    route = MANAGEMENT_ROUTES[0]
    assert asked(apps["entra"], route, {"x-api-key": "management"}).status == 401
    assert asked(apps["api-key"], route, {"authorization": "Bearer " + recipe().token()}).status == 401


def test_what_is_open_to_all_is_a_surface_of_its_own() -> None:
    assert {it.route for it in endpoints(Surface.PUBLIC)} == {"dsp/.well-known/dspace-version", "did.json"}
