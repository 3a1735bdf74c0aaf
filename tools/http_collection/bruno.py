"""Writes the `.http` files as a collection for Bruno: a folder for each file, a file for each request."""

import json
import re
import shutil
from pathlib import Path

from tools.http_collection.reading import Collection, HttpRequest, read

HTTP = Path(__file__).parents[2] / "docs" / "http"
BRUNO = HTTP / "bruno"
SOURCES = (HTTP / "ferry.http", HTTP / "manual-negotiation.http")

_FOLDERS = {"ferry": "The way of a transfer", "manual-negotiation": "Negotiating by hand"}


def files() -> dict[Path, str]:
    """Every file of the collection with its text."""
    about = {"version": "1", "name": "Ferry", "type": "collection", "ignore": ["node_modules", ".git"]}
    made = {BRUNO / "bruno.json": json.dumps(about, indent=2) + "\n"}
    variables: dict[str, str] = {}
    for number, source in enumerate(SOURCES, start=1):
        collection = read(source)
        variables |= collection.variables
        folder = BRUNO / f"{number} {_FOLDERS[source.stem]}"
        made[folder / "folder.bru"] = _block("meta", f"name: {_FOLDERS[source.stem]}\nseq: {number}")
        made |= {folder / f"{_file_name(it, seq)}.bru": _bru(it, seq) for seq, it in enumerate(collection.requests, 1)}
    made[BRUNO / "environments" / "local.bru"] = _environment(Collection(variables, ()))
    return made


def write() -> None:
    """Put them in the place of what is there."""
    shutil.rmtree(BRUNO, ignore_errors=True)
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _file_name(request: HttpRequest, seq: int) -> str:
    return f"{seq:02} {re.sub(r'[^A-Za-z0-9 -]+', '', request.title)}"


def _bru(request: HttpRequest, seq: int) -> str:
    has_body = bool(request.body)
    parts = [
        _block("meta", f"name: {request.title}\ntype: http\nseq: {seq}"),
        _block(request.method.lower(), f"url: {request.url}\nbody: {'json' if has_body else 'none'}\nauth: none"),
        _block("headers", "\n".join(f"{name}: {value}" for name, value in request.headers.items())),
    ]
    if has_body:
        parts.append(_block("body:json", request.body))
    if request.captures:
        captured = (f"{name}: {_expression(path)}" for name, path in request.captures.items())
        parts.append(_block("vars:post-response", "\n".join(captured)))
    parts.append(_block("assert", "\n".join(_asserted(request))))
    if request.notes:
        parts.append(_block("docs", "\n".join(request.notes)))
    return "\n".join(parts)


def _asserted(request: HttpRequest) -> list[str]:
    status = f"eq {request.expect}" if request.expect else "in 200, 201, 202, 204"
    awaited = [f"{_expression(request.until[0])}: eq {request.until[1]}"] if request.until else []
    return [f"res.status: {status}", *awaited]


def _expression(path: str) -> str:
    """A path as Bruno reads an answer; names with other characters stand in brackets."""
    return re.sub(r"\.(@[\w]+)", r"['\1']", f"res.body{path.removeprefix('$')}")


def _environment(collection: Collection) -> str:
    return _block("vars", "\n".join(f"{name}: {value}" for name, value in collection.variables.items()))


def _block(name: str, text: str) -> str:
    indented = "\n".join(f"  {line}" if line else "" for line in text.splitlines())
    return f"{name} {{\n{indented}\n}}\n"
