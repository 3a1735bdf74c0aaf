"""The table of routes: complete, without collisions, each with a handler and a role."""

import subprocess
import sys
from collections import Counter
from operator import attrgetter

from ferry.api.management.routes import (
    BASES,
    MANAGEMENT_ROUTES,
    NOT_OFFERED,
    OPERATIONS,
    ApiVersion,
    RouteGroup,
)
from tests.unit.api.client import Client

PROVIDED = ("assets", "policydefinitions", "contractdefinitions", "dataplanes")
CONSUMED = ("catalog", "transferprocess", "orphans")
OF_EITHER = ("contractnegotiations", "contractagreements", "transferprocesses", "secrets")


def test_every_route_has_a_handler(consumer: Client) -> None:
    for route in MANAGEMENT_ROUTES:
        assert callable(attrgetter(route.handler)(consumer.api)), route


def test_names_and_paths_are_taken_once() -> None:
    names = Counter(route.name for route in MANAGEMENT_ROUTES)
    paths = Counter((route.method, route.path) for route in MANAGEMENT_ROUTES)
    assert max(names.values()) == 1
    assert max(paths.values()) == 1
    assert all(name.replace("_", "").isalnum() for name in names)


def test_no_path_with_an_id_hides_a_fixed_one() -> None:
    fixed = {(it.method, it.path) for it in MANAGEMENT_ROUTES if "{id}" not in it.path}
    for route in MANAGEMENT_ROUTES:
        if route.path.endswith("/{id}"):
            assert (route.method, route.path.replace("{id}", "request")) not in fixed


def test_every_version_has_the_operations_that_are_its_own() -> None:
    for version, base in BASES.items():
        paths = {(route.method, route.path) for route in MANAGEMENT_ROUTES if route.version is version}
        expected = {(it.method, f"{base}/{it.path}") for it in OPERATIONS if version in it.versions}
        others = {(it.method, it.path) for it in NOT_OFFERED} if version is ApiVersion.V3 else set[tuple[str, str]]()
        assert paths == expected | others


def test_each_route_stands_with_its_role() -> None:
    for route in set(MANAGEMENT_ROUTES) - set(NOT_OFFERED):
        noun = route.path.split("/")[2]
        if noun in PROVIDED:
            assert route.group is RouteGroup.PROVIDER, route
        elif noun in CONSUMED:
            assert route.group is RouteGroup.CONSUMER, route
        elif noun in OF_EITHER and route.method == "GET":
            assert route.group is RouteGroup.SHARED, route


def test_reading_the_table_imports_nothing_of_the_connector() -> None:
    code = "import sys, ferry.api.management.routes; print(*(m for m in sys.modules if m.startswith('ferry')))"
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert found == ["ferry", "ferry.api", "ferry.api.management", "ferry.api.management.routes"]
