"""Every operation of the description under generated requests: no server error, no answer that it does not tell of."""

from collections.abc import Iterator
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi import checks
from werkzeug.test import Client

from ferry.api.openapi.document import components
from ferry.services import web
from tests.fuzz.host import FunctionsHost, functions_host
from tests.fuzz.seed import POLICY, Known, known_ids, seeded

pytestmark = [pytest.mark.fuzz, pytest.mark.slow]

CHECKS: list[Any] = [
    getattr(checks, name)
    for name in (
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    )
]
# The other side is a made-up address; what is not offered says so. Both are told of in the description.
FOREIGN_FAULTS = frozenset({501, 502})
# The description itself is what all this is generated from.
NAMES = sorted({it.name for it in web.described(("consumer", "provider", "dataplane"))} - {"openapi"})
# A world that has grown for so long is exchanged for a new one.
CALLS_OF_A_WORLD = 500
# What a generator rarely draws: numbers beyond 64 bits and beyond a float, and paths to properties of any length.
EXTREMES: tuple[int | str | None, ...] = (*[None] * 8, 2**63, 10**30, 10**400, "x." * 3000)
SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large, HealthCheck.large_base_example)


@pytest.fixture(scope="module")
def host() -> Iterator[FunctionsHost]:
    with functions_host(seeded) as made:
        yield made


@pytest.fixture(scope="module")
def operations(host: FunctionsHost) -> dict[str, Any]:
    """The operations of the served description by their ids."""
    schema: Any = schemathesis.openapi.from_wsgi("/api/openapi.json", host)
    found: list[Any] = [result.ok() for result in schema.get_all_operations()]
    return {operation.definition.raw["operationId"]: operation for operation in found}


@pytest.fixture(scope="session")
def examples(pytestconfig: pytest.Config) -> int:
    """How many requests each operation gets."""
    wanted: Any = pytestconfig.getoption("--fuzz-examples")
    return int(wanted)


def cases(operation: Any, host: FunctionsHost) -> st.SearchStrategy[Any]:
    """Requests that the description allows, and others; a part of them is about what exists, or close to an example."""
    modes = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
    made = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes if _can(operation, mode)))
    examples = _examples(operation.definition.raw)

    def aimed(case: Any, choice: int, extreme: int | str | None, *, near: bool) -> Any:
        known = known_ids(host.core, operation.path)
        hit = known[choice % len(known)] if choice else None
        if case.path_parameters and hit is not None:
            case.path_parameters = dict.fromkeys(case.path_parameters, hit.id)
        body: Any = case.body
        if isinstance(body, dict):
            said = _near(cast("dict[str, Any]", body), examples if near else [], hit, choice)
            case.body = said if extreme is None else _stretched(said, extreme)
        return case

    return st.builds(aimed, made, st.integers(0, 12), st.sampled_from(EXTREMES), near=st.booleans())


def _near(body: dict[str, Any], examples: list[Any], hit: Known | None, choice: int) -> dict[str, Any]:
    """The example with one member of the body, or the body; a message with the pids of what it is about."""
    one = dict(list(body.items())[choice : choice + 1])
    near: dict[str, Any] = {**examples[0], **one} if examples else body
    return {**near, **hit.pids} if hit is not None and "consumerPid" in near else near


def _stretched(value: Any, extreme: int | str, member: str = "") -> Any:
    """The same with every number, or every path to a property, as that extreme."""
    if isinstance(value, dict):
        said = cast("dict[str, Any]", value)
        return {name: _stretched(inner, extreme, name) for name, inner in said.items()}
    if isinstance(value, list):
        return [_stretched(inner, extreme, member) for inner in cast("list[Any]", value)]
    if isinstance(extreme, int):
        return extreme if isinstance(value, int) and not isinstance(value, bool) else value
    return extreme if member in ("operandLeft", "sortField") else value


def _can(operation: Any, mode: schemathesis.GenerationMode) -> bool:
    """Whether there is anything in a request of the operation that could be wrong."""
    return mode is schemathesis.GenerationMode.POSITIVE or bool(operation.body or list(operation.path_parameters))


@pytest.mark.parametrize("name", NAMES)
def test_operation_gives_only_documented_answers(
    host: FunctionsHost, operations: dict[str, Any], examples: int, name: str
) -> None:
    operation = operations[name]
    host.renew()

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=SLOW,
    )
    @given(case=cases(operation, host))
    def run(case: Any) -> None:
        if host.calls % CALLS_OF_A_WORLD == 0:
            host.renew()
        response = case.call()
        assert response.status_code < 500 or response.status_code in FOREIGN_FAULTS, response.text
        case.validate_response(response, checks=CHECKS)

    run()


@pytest.mark.parametrize("name", NAMES)
def test_example_of_a_request_is_understood(operations: dict[str, Any], name: str) -> None:
    operation = operations[name]
    for example in _examples(operation.definition.raw):
        ids = dict.fromkeys(_parameters(operation), POLICY if "policydefinitions" in operation.path else "unknown")
        # The id in a path is the one that counts.
        said = {name: it for name, it in example.items() if name != "@id" or "id" not in ids}
        case = operation.Case(path_parameters=ids, body=said, media_type="application/json")

        response = case.call()

        assert response.status_code in (200, 204, 404, 409, 502), response.text
        case.validate_response(response, checks=CHECKS)


@pytest.mark.parametrize("name", NAMES)
def test_stranger_is_let_in_nowhere_but_where_all_are(
    host: FunctionsHost, operations: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host, "knows_callers", False)
    operation = operations[name]
    said: dict[str, Any] = {"body": {}} if operation.body else {}
    asked = operation.Case(path_parameters=dict.fromkeys(_parameters(operation), "x"), **said)

    response = asked.call()

    assert (response.status_code == 401) is bool(operation.definition.raw["security"])
    asked.validate_response(response, checks=CHECKS)


def _examples(raw: dict[str, Any]) -> list[Any]:
    """The examples in an operation's request: the body's own, or those of the component that it is."""
    if "requestBody" not in raw:
        return []
    schema = raw["requestBody"]["content"]["application/json"]["schema"]
    component: Any = components().get(schema.get("$ref", "").rpartition("/")[2], {})
    found: list[Any] = schema.get("examples") or component.get("examples", [])
    return found


def _parameters(operation: Any) -> list[str]:
    return [
        parameter["name"] for parameter in operation.definition.raw.get("parameters", []) if parameter["in"] == "path"
    ]


@pytest.mark.parametrize(
    ("path", "kind"), [("docs", "text/html"), ("docs/swagger-ui.css", "text/css"), ("docs/page.js", "text/javascript")]
)
def test_page_comes_through_its_function_under_its_policy(host: FunctionsHost, path: str, kind: str) -> None:
    answer = Client(host).get(f"/api/{path}")

    assert answer.status_code == 200 and answer.data
    assert answer.headers["Content-Type"].startswith(kind)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
