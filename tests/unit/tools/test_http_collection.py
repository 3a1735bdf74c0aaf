"""docs/http: every operation of the management API has its request, and the Bruno collection is what the files say."""

import re
from pathlib import Path

import pytest

from ferry.api.management.routes import BASES, OPERATIONS, ApiVersion, Operation
from tools.doc_commands.blocks import ROOT
from tools.http_collection.bruno import BRUNO, SOURCES, files
from tools.http_collection.reading import BadCollection, HttpRequest, filled, names_in, read
from tools.http_collection.running import value_at

# Operations without a request, each with the reason.
LEFT_OUT: dict[str, str] = {}
REQUESTS = [(source.name, request) for source in SOURCES for request in read(source).requests]
FILE = """# What it is

@host = http://127.0.0.1
@id =

### First
# A remark.
# expect 200
# capture id = $.list[0]['@id']
POST {{host}}/things
x-api-key: key

{"a": 1}

### Second
# until $.state == DONE
GET {{host}}/things/{{id}}
"""


def _is_of(operation: Operation, request: HttpRequest) -> bool:
    path = re.sub(r"^\{\{\w+\}\}/", "", request.url.replace("{{management}}", BASES[ApiVersion.V3]))
    parts = [re.escape(it) if not it.startswith("{") else r"[^/]+" for it in operation.path.split("/")]
    return operation.method == request.method and any(
        re.fullmatch(f"{BASES[version]}/{'/'.join(parts)}", path) for version in operation.versions
    )


def test_every_operation_has_a_request_or_a_reason() -> None:
    missing = {it.name for it in OPERATIONS if not any(_is_of(it, request) for _, request in REQUESTS)}

    assert missing == LEFT_OUT.keys()
    assert all(LEFT_OUT.values())


@pytest.mark.parametrize(("name", "request_"), REQUESTS, ids=lambda it: it if isinstance(it, str) else it.title)
def test_request_is_of_an_operation_and_says_what_is_expected(name: str, request_: HttpRequest) -> None:
    assert [it.name for it in OPERATIONS if _is_of(it, request_)] != []
    assert request_.expect is not None
    assert request_.headers["x-api-key"] in ("{{consumerKey}}", "{{providerKey}}")


@pytest.mark.parametrize("source", SOURCES, ids=lambda it: it.name)
def test_every_variable_is_at_the_top_and_told_before_it_is_used(source: Path) -> None:
    collection = read(source)
    known = {name for name, value in collection.variables.items() if value} | {"consumerKey", "providerKey"}
    for request in collection.requests:
        named = set(names_in(" ".join((request.url, request.body, *request.headers.values()))))
        assert named <= collection.variables.keys()
        assert named <= known, request.title
        known |= request.captures.keys()


def test_bruno_collection_is_what_the_files_say() -> None:
    there = {path: path.read_text() for path in BRUNO.rglob("*") if path.is_file()}
    names = sorted(
        str(path.relative_to(ROOT)) for path in there.keys() | files().keys() if there.get(path) != files().get(path)
    )

    assert names == [], "run python -m tools.http_collection --write"


def test_file_is_read_with_its_comments(tmp_path: Path) -> None:
    file = tmp_path / "it.http"
    file.write_text(FILE)
    collection = read(file)
    first, second = collection.requests

    assert collection.variables == {"host": "http://127.0.0.1", "id": ""}
    assert (first.method, first.url, first.body) == ("POST", "{{host}}/things", '{"a": 1}')
    assert (first.expect, first.captures, first.notes) == (200, {"id": "$.list[0]['@id']"}, ("A remark.",))
    assert (second.expect, second.until, second.body) == (None, ("$.state", "DONE"), "")


@pytest.mark.parametrize(
    "text",
    ["### A\nGET\n", "### A\n# expect soon\nGET http://x\n", "### A\n# until it is over\nGET http://x\n", "### A\n"],
)
def test_file_that_cannot_be_read_is_refused(text: str, tmp_path: Path) -> None:
    file = tmp_path / "it.http"
    file.write_text(text)

    with pytest.raises(BadCollection):
        read(file)


def test_variable_without_a_value_is_refused() -> None:
    with pytest.raises(BadCollection, match=r"\{\{b\}\} has no value"):
        filled("{{a}} {{b}}", {"a": "1", "b": ""})


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$.a.b", 1),
        ("$.list[1]['@id']", "y"),
        ("$['@id']", "x"),
        ("$.list[2]", None),
        ("$.a.c.d", None),
        ("$.a[0]", None),
    ],
)
def test_value_is_found_by_its_path(path: str, found: object) -> None:
    assert value_at({"@id": "x", "a": {"b": 1}, "list": [{}, {"@id": "y"}]}, path) == found
