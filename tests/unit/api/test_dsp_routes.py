"""Every path of the protocol is answered by the side that it belongs to, once, under a name of its own."""

import pytest

from ferry.api.dsp.routes import dsp_routes
from ferry.api.http import BODY_LIMIT_BYTES, ApiRequest, BodyTooLarge, Forbidden, check_api_key, check_size
from ferry.domain.message_kind import MessageKind, Role
from ferry.protocol.paths import ENDPOINTS, served_endpoints

# Where a provider that knows our DSP base alone finds our consumer's side.
OFFERS = ("POST", "/negotiations/offers")
CONSUMERS_AT_BASE = {OFFERS, ("POST", "/negotiations/{pid}/offers"), ("POST", "/negotiations/{pid}/agreement")}
OF_EITHER = {
    ("GET", "/negotiations/{pid}"),
    ("POST", "/negotiations/{pid}/events"),
    ("POST", "/negotiations/{pid}/termination"),
}


@pytest.mark.parametrize("role", Role)
def test_every_path_of_a_role_has_one_route(role: Role) -> None:
    own = {(it.method, it.path) for it in ENDPOINTS if role in it.served_by}
    served = own - {OFFERS} if role is Role.CONSUMER else own | CONSUMERS_AT_BASE
    routes = dsp_routes(role)
    assert {(route.method, f"/{route.path}") for route in routes} == served
    assert len({(route.method, route.path) for route in routes}) == len(routes)


def test_path_that_both_roles_answer_at_the_base_is_for_the_side_of_its_pid() -> None:
    at_base = [it for it in served_endpoints() if not it.is_callback]
    roles = {(it.endpoint.method, it.path): it.role for it in at_base}
    assert {path for path, role in roles.items() if role is None} == OF_EITHER
    assert {path for path, role in roles.items() if role is Role.CONSUMER} == CONSUMERS_AT_BASE
    (events,) = [it.endpoint for it in at_base if it.path == "/negotiations/{pid}/events"]
    assert events.kinds == {MessageKind.CONTRACT_ACCEPTED, MessageKind.CONTRACT_FINALIZED}


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
