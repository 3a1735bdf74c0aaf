"""Route templates: matching, constraints, order and what the host refuses."""

import pytest

from ferry.devhost.errors import RouteError
from ferry.devhost.routes import Route, RouteTable, parse_route


def route(template: str, name: str = "f", methods: frozenset[str] | None = None, prefix: str = "api") -> Route:
    return parse_route(prefix=prefix, template=template, function_name=name, methods=methods)


def found(path: str, *routes: Route, method: str = "GET") -> tuple[str, dict[str, str]] | None:
    return RouteTable(routes).find(method, path)


@pytest.mark.parametrize(
    ("template", "path", "parameters"),
    [
        ("things", "/api/things", {}),
        ("Things", "/API/tHINGS/", {}),
        ("things/{id}", "/api/things/a%20b", {"id": "a b"}),
        ("things/{id:int}", "/api/things/-42", {"id": "-42"}),
        ("things/{id:guid}", "/api/things/0f8fad5b-d9cb-469f-a165-70867728950e", None),
        ("things/{x?}", "/api/things", {}),
        ("things/{x?}", "/api/things/1", {"x": "1"}),
        ("things/{x=7}", "/api/things", {"x": "7"}),
        ("files/{*rest}", "/api/files/a/b/c", {"rest": "a/b/c"}),
        ("files/{*rest}", "/api/files", {}),
        ("files/{name:minlength(2):maxlength(3)}", "/api/files/abc", {"name": "abc"}),
        ("files/{name:length(3)}", "/api/files/abc", {"name": "abc"}),
        ("files/{name:length(1,4)}", "/api/files/abc", {"name": "abc"}),
        ("n/{n:range(1,5)}", "/api/n/5", {"n": "5"}),
        ("n/{n:regex(^a{{2}}/?$)}", "/api/n/aa", {"n": "aa"}),
        ("flag/{on:bool}", "/api/flag/True", {"on": "True"}),
        ("at/{when:datetime}", "/api/at/2026-11-23", {"when": "2026-11-23"}),
    ],
)
def test_path_that_fits_gives_its_parameters(template: str, path: str, parameters: dict[str, str] | None) -> None:
    expected = {"id": path.rsplit("/", 1)[1]} if parameters is None else parameters
    assert found(path, route(template)) == ("f", expected)


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("things", "/api/things/more"),
        ("things", "/things"),
        ("things/{id}", "/api/things"),
        ("things/{id}", "/api/things/"),
        ("things/{id:int}", "/api/things/4x"),
        ("things/{id:int}", "/api/things/2147483648"),
        ("things/{id:guid}", "/api/things/42"),
        ("n/{n:min(3)}", "/api/n/2"),
        ("n/{n:max(3)}", "/api/n/4"),
        ("n/{n:alpha}", "/api/n/a1"),
        ("n/{n:double}", "/api/n/x"),
        ("at/{when:datetime}", "/api/at/yesterday"),
        ("files/{*rest:int}", "/api/files/a/b"),
    ],
)
def test_path_that_does_not_fit_is_not_found(template: str, path: str) -> None:
    assert found(path, route(template)) is None


def test_encoded_slash_stays_encoded() -> None:
    assert found("/api/assets/http%3A%2F%2Fx%3Fa%23b%25", route("assets/{id}")) == ("f", {"id": "http:%2F%2Fx?a#b%"})


def test_other_method_is_not_found() -> None:
    assert found("/api/things", route("things", methods=frozenset({"GET"})), method="POST") is None


def test_method_decides_between_functions_of_one_route() -> None:
    read = route("things", "read", frozenset({"GET"}))
    write = route("things", "write", frozenset({"POST"}))
    assert found("/api/things", read, write, method="POST") == ("write", {})


def test_literal_wins_over_parameter_whatever_the_order() -> None:
    routes = [route("{*rest}", "all"), route("things/{id}", "one"), route("things/special", "special")]
    assert found("/api/things/special", *routes) == ("special", {})
    assert found("/api/things/other", *reversed(routes)) == ("one", {"id": "other"})
    assert found("/api/else/where", *routes) == ("all", {"rest": "else/where"})


def test_constrained_parameter_wins_over_plain_one() -> None:
    routes = [route("things/{name}", "name"), route("things/{id:int}", "id")]
    assert found("/api/things/5", *routes) == ("id", {"id": "5"})
    assert found("/api/things/five", *routes) == ("name", {"name": "five"})


def test_longer_route_wins_over_catch_all() -> None:
    routes = [route("things/{*rest}", "all"), route("things/{id}/state", "state")]
    assert found("/api/things/5/state", *routes) == ("state", {"id": "5"})


def test_empty_prefix_puts_routes_at_the_root() -> None:
    assert found("/things", route("things", prefix="")) == ("f", {})


@pytest.mark.parametrize("template", ["admin/x", "runtime", "ADMIN/{id}"])
def test_reserved_prefix_is_refused(template: str) -> None:
    with pytest.raises(RouteError, match="host's own"):
        route(template, prefix="")


@pytest.mark.parametrize("template", ["a{b}", "{*rest}/a", "{id:nonsense}", "{id:range(1)}", "{1x}"])
def test_template_that_cannot_be_read_is_refused(template: str) -> None:
    with pytest.raises(RouteError):
        route(template)
