"""Sends the requests of a collection one after another, and holds the answers against what they are to be."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from typing import cast
from urllib.parse import urlsplit

from tools.http_collection.reading import BadCollection, Collection, HttpRequest, filled

_PART = re.compile(r"\.([\w@:-]+)|\[(\d+)\]|\['([^']+)'\]")
_PAUSE_SECONDS = 0.2
_TIMEOUT_SECONDS = 30.0


class WrongAnswer(Exception):
    """An answer is not what the file says; the message has request, status and body."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """Status and body; `document` is None where the body is no JSON."""

    status: int
    text: str
    document: object


@dataclass(slots=True)
class Run:
    """One run of a collection. `values` are its variables: those of the file, those given, those captured."""

    collection: Collection
    values: dict[str, str] = field(default_factory=dict[str, str])
    patience_seconds: float = 30.0

    def __post_init__(self) -> None:
        """What is given goes before what the file has."""
        self.values = {**self.collection.variables, **self.values}
        for _ in self.collection.variables:
            self.values = {name: self._resolved(value) for name, value in self.values.items()}

    def all(self) -> list[int]:
        """Every request; their statuses. Raises WrongAnswer, BadCollection."""
        return [self.one(request).status for request in self.collection.requests]

    def one(self, request: HttpRequest) -> HttpReply:
        """One request, again until it says what it is to say. Raises WrongAnswer, BadCollection."""
        deadline = time.monotonic() + self.patience_seconds
        while True:
            reply = self._sent(request)
            if request.until is None or self._is_there(request, reply):
                break
            if time.monotonic() > deadline:
                raise _wrong(request, reply, f"never had {' == '.join(request.until)}")
            time.sleep(_PAUSE_SECONDS)
        for name, path in request.captures.items():
            found = value_at(reply.document, path)
            if not isinstance(found, str | int):
                raise _wrong(request, reply, f"has no {path}")
            self.values[name] = str(found)
        return reply

    def _resolved(self, value: str) -> str:
        try:
            return filled(value, self.values)
        except BadCollection:
            return value  # of what is captured later

    def _is_there(self, request: HttpRequest, reply: HttpReply) -> bool:
        path, wanted = request.until or ("", "")
        return str(value_at(reply.document, path)) == wanted

    def _sent(self, request: HttpRequest) -> HttpReply:
        try:
            url = filled(request.url, self.values)
            headers = {name: filled(value, self.values) for name, value in request.headers.items()}
            body = filled(request.body, self.values)
        except BadCollection as fault:
            raise BadCollection(f"{request.title}: {fault}") from fault
        reply = send(request.method, url, headers, body)
        good = reply.status == request.expect if request.expect else 200 <= reply.status < 300
        if not good:
            raise _wrong(request, reply, f"should have been {request.expect or '2xx'}")
        return reply


def send(method: str, url: str, headers: Mapping[str, str], body: str) -> HttpReply:
    """One request and its answer."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.netloc, timeout=_TIMEOUT_SECONDS)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, target, body.encode() or None, dict(headers))
        answer = connection.getresponse()
        text = answer.read().decode()
        return HttpReply(answer.status, text, _json(text))
    finally:
        connection.close()


def value_at(document: object, path: str) -> object:
    """What stands at a path such as `$.dataset[0]['@id']`; None where there is nothing."""
    found = document
    for name, index, quoted in _PART.findall(path.removeprefix("$")):
        if isinstance(found, list) and index:
            items = cast("list[object]", found)
            found = items[int(index)] if int(index) < len(items) else None
        elif isinstance(found, dict) and not index:
            found = cast("dict[str, object]", found).get(name or quoted)
        else:
            return None
    return found


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _wrong(request: HttpRequest, reply: HttpReply, why: str) -> WrongAnswer:
    return WrongAnswer(
        f"{request.title}: {request.method} {request.url} was answered {reply.status} {reply.text}: {why}"
    )
