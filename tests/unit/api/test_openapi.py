"""The description of the API: every function has its entry, every entry its function, and the whole is good OpenAPI."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from ferry.api.openapi.document import ENTRIES, Described, components, document
from ferry.api.openapi.entry import Many, key_of
from ferry.services import web
from tests.world.participants import settings_of
from tools.secret_scan import findings

ROOT = Path(__file__).parents[3]
ALL = ("consumer", "provider", "dataplane")
PAGES = {("GET", f"{site}{file}") for site in ("docs", "dashboard") for file in ("", "/{file}")}
INDEX = """
import json, logging
logging.disable()
import function_app
found = []
for function in function_app.app.get_functions():
    trigger = function.get_trigger()
    if trigger.type == "httpTrigger":
        found += [(getattr(method, "value", method), trigger.route) for method in trigger.methods]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """The document of an app with all roles, as it comes off the wire."""
    page = web.page("openapi.json", settings_of("ferry"))
    return json.loads(page.body)


def operations(told: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def functions_of(roles: str) -> set[tuple[str, str]]:
    """The HTTP functions that the app registers for these roles, as a host indexes them."""
    environment = {
        "FERRY_PARTICIPANT_ID": "ferry",
        "FERRY_PUBLIC_URL": "https://ferry.test",
        "FERRY_VAULT_URL": "https://vault.test",
        "FERRY_API_KEY": "key",
        "FERRY_IDENTITY": "mock",
        "FERRY_ROLES": roles,
    }
    command = [sys.executable, "-c", INDEX]
    indexed = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    return {(method, route) for method, route in json.loads(indexed.stdout)}


def test_every_route_has_an_entry_and_every_entry_a_route() -> None:
    keys = {key_of(it.method, it.route) for it in web.described(ALL)}

    assert keys == ENTRIES.keys()


@pytest.mark.parametrize("roles", [",".join(ALL), "consumer", "provider", "dataplane"])
def test_description_tells_exactly_what_the_app_registers(roles: str) -> None:
    described = {(it.method, it.route) for it in web.described(roles.split(","))}

    assert described | PAGES == functions_of(roles)


def test_document_is_valid_openapi(told: dict[str, Any]) -> None:
    assert told["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(told).validate()


def test_every_example_is_valid_and_every_request_has_one(told: dict[str, Any]) -> None:
    bodies = [
        (operation["operationId"], operation["requestBody"]["content"]["application/json"]["schema"])
        for _, _, operation in operations(told)
        if "requestBody" in operation
    ]
    examples = 0
    for name, schema in [*bodies, *told["components"]["schemas"].items()]:
        shown = schema.get("examples", [])
        checked = {**schema, "components": told["components"]}
        for example in shown:
            assert list(jsonschema_rs.iter_errors(checked, example)) == [], name
        examples += len(shown)
    assert examples > 20
    assert [name for name, schema in bodies if not _has_example(told, schema)] == []


def test_every_refusal_has_a_body_that_says_why(told: dict[str, Any]) -> None:
    bare = [
        (method, path, status)
        for method, path, operation in operations(told)
        for status, response in operation["responses"].items()
        if int(status) >= 400 and "content" not in response
    ]

    assert {path for _, path, _ in bare} <= {"/did.json"}


def test_every_component_is_used() -> None:
    whole = document(web.described(ALL), title="t", server="/api")
    described: Any = whole["components"]
    used: set[str] = set(described["schemas"])

    assert {name for name in components() if not name.startswith("dsp.")} <= used
    shapes = [shape for entry in ENTRIES.values() for shape in (entry.request, *entry.answers.values()) if shape]
    assert {shape.component if isinstance(shape, Many) else shape for shape in shapes} <= components().keys()


def test_operation_ids_are_taken_once(told: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(told)]

    assert len(ids) == len(set(ids)) > 100


def test_endpoint_without_an_entry_is_not_described() -> None:
    with pytest.raises(KeyError, match="GET nowhere"):
        document([Described("nowhere", "GET", "nowhere")], title="t", server="/api")


def test_description_holds_no_secret(told: dict[str, Any]) -> None:
    assert list(findings(json.dumps(told, indent=1))) == []


# --- the pages --------------------------------------------------------------------------------------------------


def test_page_loads_nothing_from_elsewhere_and_runs_no_script_of_its_own() -> None:
    page = web.page("", settings_of("ferry"))
    html = page.body.decode()
    policy = page.headers["Content-Security-Policy"]

    assert page.status == 200
    assert "//" not in html
    assert html.count("<script") == html.count('<script src="/api/docs/') == 2
    assert re.findall(r"<style|\s(?:style|on\w+)=", html) == []
    assert "default-src 'none'" in policy and "unsafe" not in policy


def test_every_file_of_the_page_is_there_with_its_type() -> None:
    html = web.page("", settings_of("ferry")).body.decode()
    names = [part.partition('"')[0] for part in html.split("/api/docs/")[1:]]

    assert len(names) == 4
    for name in names:
        page = web.page(name, settings_of("ferry"))
        assert page.status == 200 and page.body
        assert page.headers["Content-Type"].split("/")[0] in ("text", "image")
        assert page.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["../function_app.py", "..%2fhost.json", "LICENSE", "host.json", "/etc/hosts", "x.js"])
def test_no_other_file_can_be_named(name: str) -> None:
    page = web.page(name, settings_of("ferry"))

    assert (page.status, page.body) == (404, b"")


def test_version_and_licence_of_the_viewer_are_kept() -> None:
    folder = ROOT / "web" / "swagger-ui"
    version = (folder / "VERSION.txt").read_text(encoding="utf-8")

    assert version.startswith("swagger-ui-dist 5.")
    assert all(name in version for name in ("LICENSE", "NOTICE"))
    assert "Apache License" in (folder / "LICENSE").read_text(encoding="utf-8")


def _has_example(told: dict[str, Any], schema: dict[str, Any]) -> bool:
    if schema.get("examples"):
        return True
    name = schema.get("$ref", "").rpartition("/")[2]
    # The schemas of the protocol are those of the reader; its messages are shown in the protocol's own documents.
    return name.startswith("dsp.") or bool(told["components"]["schemas"].get(name, {}).get("examples"))
