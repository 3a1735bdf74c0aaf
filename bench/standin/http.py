"""Just enough of HTTP/1.1 to answer twenty thousand requests in a second on part of a core."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import md5
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote

from bench.standin.content import Recognition
from bench.standin.written import Foreign, Part

_HEADER = re.compile(r"\n([^:\r\n]+):[ \t]*([^\r\n]*)")
KEPT_BODY_BYTES = 4 * 1024 * 1024


class Head:
    """The head of a request; `headers` by their names in lower case."""

    __slots__ = ("account", "container", "get", "headers", "method", "name", "query", "size_bytes")

    def __init__(self, raw: bytes) -> None:
        """`raw`: from the method to the last header's end, without the empty line."""
        text = raw.decode("latin-1")
        self.method, target = text.split(" ", 2)[:2]
        self.headers: dict[str, str] = {name.lower(): value for name, value in _HEADER.findall(text)}
        self.get = self.headers.get
        path, _, query = target.partition("?")
        self.query = query_of(query)
        self.account, self.container, self.name = parts_of(path)
        self.size_bytes = int(self.headers.get("content-length") or 0)


def parts_of(path: str) -> tuple[str, str, str]:
    """Account, container and blob of a path; empty where it has none."""
    account, _, rest = path.lstrip("/").partition("/")
    container, _, name = rest.partition("/")
    return account, container, unquote(name) if "%" in name else name


@lru_cache(maxsize=4096)
def query_of(text: str) -> dict[str, str]:
    """The parameters of a query; what clients repeat is taken apart once."""
    return dict(parse_qsl(text, keep_blank_values=True))


class Body:
    """A body as it comes: recognised and, where it is asked for, hashed, and kept only where it is small."""

    __slots__ = ("_digest", "_kept", "_recognition", "left")

    def __init__(self, size_bytes: int, *, is_hashed: bool) -> None:
        self.left = size_bytes
        self._kept: list[bytes] | None = [] if size_bytes <= KEPT_BODY_BYTES else None
        self._recognition = Recognition()
        self._digest = md5(usedforsecurity=False) if is_hashed else None

    def feed(self, chunk: bytes) -> None:
        """The next bytes."""
        self.left -= len(chunk)
        self._recognition.feed(chunk)
        if self._digest is not None:
            self._digest.update(chunk)
        if self._kept is not None:
            self._kept.append(chunk)

    @property
    def content(self) -> bytes:
        """All of it; nothing where it was too large to be kept."""
        return b"".join(self._kept or ())

    @property
    def md5(self) -> bytes | None:
        """Its digest, where one was asked for."""
        return None if self._digest is None else self._digest.digest()

    @property
    def part(self) -> Part:
        """What it is a part of."""
        extent = self._recognition.extent()
        return Foreign(self.content, self._recognition.size_bytes) if extent is None else extent


@dataclass(slots=True)
class Answer:
    """A status, headers, and what the body holds. `has_no_body`: its length is told, as HEAD does."""

    status: int
    headers: dict[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    parts: tuple[Part, ...] = ()
    has_no_body: bool = False
    code: str = ""

    @property
    def size_bytes(self) -> int:
        """The length of the body."""
        return len(self.body) + sum(part.size_bytes for part in self.parts)


def refusal(status: int, code: str, headers: dict[str, str] | None = None) -> Answer:
    """An error as the service writes it; without a code it has no body either."""
    if not code:
        return Answer(status, headers or {})
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
    told = {"x-ms-error-code": code, "Content-Type": "application/xml", **(headers or {})}
    return Answer(status, told, body.encode(), code=code)


@lru_cache(maxsize=64)
def _status_line(status: int) -> str:
    reason = HTTPStatus(status).phrase
    common = "Server: stand-in\r\nx-ms-request-id: 00000000-0000-0000-0000-000000000000\r\nx-ms-version: 2025-05-05\r\n"
    return f"HTTP/1.1 {status} {reason}\r\n{common}"


def head_bytes(answer: Answer, date: str) -> bytes:
    """Everything before the body."""
    # A length is what some clients read from 304 and 204, too; this service sends neither.
    lines = "".join([f"{name}: {value}\r\n" for name, value in answer.headers.items()])
    length = "" if "Content-Length" in answer.headers else f"Content-Length: {answer.size_bytes}\r\n"
    return f"{_status_line(answer.status)}Date: {date}\r\n{lines}{length}\r\n".encode("latin-1")
