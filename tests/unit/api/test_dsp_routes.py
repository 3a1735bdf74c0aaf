"""Every path of the protocol is answered by the side that it belongs to, once, under a name of its own."""

import pytest

from ferry.api.dsp.routes import dsp_routes
from ferry.api.http import BODY_LIMIT_BYTES, ApiRequest, BodyTooLarge, Forbidden, check_api_key, check_size
from ferry.domain.message_kind import Role
from ferry.protocol.paths import ENDPOINTS

BEGUN_BY_PROVIDER = ("POST", "/negotiations/offers")


@pytest.mark.parametrize("role", Role)
def test_every_path_of_a_role_has_one_route(role: Role) -> None:
    served = {(it.method, it.path) for it in ENDPOINTS if role in it.served_by} - {BEGUN_BY_PROVIDER}
    routes = dsp_routes(role)
    assert {(route.method, f"/{route.path}") for route in routes} == served
    assert len({(route.method, route.path) for route in routes}) == len(routes)


def test_names_of_routes_are_fit_for_functions_and_never_twice() -> None:
    names = [route.name for role in Role for route in dsp_routes(role)]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name.isascii() for name in names)


@pytest.mark.parametrize(("size", "is_read"), [(0, True), (BODY_LIMIT_BYTES, True), (BODY_LIMIT_BYTES + 1, False)])
def test_body_is_read_up_to_its_limit(size: int, is_read: bool) -> None:
    request = ApiRequest("POST", "x", body=b"x" * size)
    if is_read:
        check_size(request)
        return
    with pytest.raises(BodyTooLarge, match=f"{size} bytes; at most {BODY_LIMIT_BYTES}"):
        check_size(request)


@pytest.mark.parametrize("given", [None, "", "kez", "KEY", "key ", "kéy"])
def test_wrong_key_is_refused_without_saying_which_is_right(given: str | None) -> None:
    headers = {} if given is None else {"x-api-key": given}
    with pytest.raises(Forbidden) as refused:
        check_api_key(ApiRequest("GET", "x", headers), "key")
    assert "key'" not in str(refused.value)
    check_api_key(ApiRequest("GET", "x", {"x-api-key": "key"}), "key")
