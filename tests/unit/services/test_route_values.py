"""Ids in paths, as hosts give them and as they were meant."""

from urllib.parse import quote

import pytest

from ferry.devhost.routes import split_path
from ferry.services.route_values import route_values

TEMPLATE = "management/v3/assets/{id}"
IDS = (
    "plain",
    "https://example.org/assets/a b?x=1#frag",
    "a/b",
    "a%2Fb",
    "a%2fb/c",
    "100%",
    "%25/%252F",
    "/",
    "ü/ß%",
)


def as_sent(asset_id: str) -> str:
    """The path that a client sends."""
    return f"/api/management/v3/assets/{quote(asset_id, safe='')}"


def as_given(asset_id: str) -> str:
    """What the host makes of it."""
    return split_path(as_sent(asset_id))[-1]


@pytest.mark.parametrize("asset_id", IDS)
def test_id_is_what_the_client_meant_where_the_path_is_known(asset_id: str) -> None:
    url = f"http://127.0.0.1:7071{as_sent(asset_id)}?code=/x/y"
    assert route_values(TEMPLATE, {"id": as_given(asset_id)}, ("", url)) == {"id": asset_id}


@pytest.mark.parametrize("asset_id", IDS)
def test_path_of_the_front_end_goes_before_a_decoded_url(asset_id: str) -> None:
    decoded = f"https://app.example.org/api/management/v3/assets/{as_given(asset_id)}"
    assert route_values(TEMPLATE, {"id": as_given(asset_id)}, (as_sent(asset_id), decoded)) == {"id": asset_id}


def test_encoded_slash_is_a_slash_where_nothing_else_is_known() -> None:
    assert route_values(TEMPLATE, {"id": "https:%2F%2Fexample.org%2fa"}, ()) == {"id": "https://example.org/a"}


def test_path_that_does_not_fit_the_value_is_not_believed() -> None:
    sent = ("/api/management/v3/assets/somebody%2Felses", "x")
    assert route_values(TEMPLATE, {"id": "mine%2Fb"}, sent) == {"id": "mine/b"}


def test_parameter_in_the_middle_is_found() -> None:
    template, sent = "dsp/2025-1/transfers/{pid}/start", "/api/dsp/2025-1/transfers/a%252Fb/start"
    assert route_values(template, {"pid": "a%2Fb"}, (sent,)) == {"pid": "a%2Fb"}
