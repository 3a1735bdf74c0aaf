"""Reads `.http` files, as JetBrains' editors and VS Code's REST Client have them, with three comments more.

    # expect 200                          the status (without it: any 2xx)
    # capture agreement = $.a['@id']      a variable from the answer, for what follows
    # until $.state == COMPLETED          asked again until the answer has that value

A request begins behind a line `###`, whose text is its title. Variables are `@name = value` and `{{name}}`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_METHODS = "GET|POST|PUT|DELETE"
_REQUEST_LINE = re.compile(rf"^({_METHODS}) (\S+)$")
_VARIABLE = re.compile(r"^@(\w+)\s*=\s*(.*)$")
_COMMENT = re.compile(r"^(?:#|//)\s*(.*)$")
_HEADER = re.compile(r"^([\w-]+):\s*(.*)$")
_CAPTURE = re.compile(r"^(\w+) = (\$\S+)$")
_UNTIL = re.compile(r"^(\$\S+) == (\S+)$")
_NAMED = re.compile(r"\{\{(\w+)\}\}")


class BadCollection(Exception):
    """A file cannot be read, or names what is not there; the message says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request as it stands in the file. `captures`: variables by the path of their value in the answer."""

    title: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    expect: int | None
    captures: Mapping[str, str]
    until: tuple[str, str] | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Collection:
    """A file: the variables at its top, its requests in their order, and what its first comments say."""

    variables: Mapping[str, str]
    requests: tuple[HttpRequest, ...]
    intro: tuple[str, ...] = ()


@dataclass(slots=True)
class _Told:
    """What the comments of one request ask for."""

    expect: int | None = None
    captures: dict[str, str] = field(default_factory=dict[str, str])
    until: tuple[str, str] | None = None
    notes: list[str] = field(default_factory=list[str])


def read(path: Path) -> Collection:
    """The file. Raises BadCollection."""
    top, *blocks = re.split(r"^###[ \t]*", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    variables = {match[1]: match[2].strip() for line in top.splitlines() if (match := _VARIABLE.match(line))}
    intro = tuple(match[1] for line in top.splitlines() if (match := _COMMENT.match(line)))
    return Collection(variables, tuple(_request(block) for block in blocks), intro)


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with the values of its variables. Raises BadCollection where one has none."""

    def value_of(match: re.Match[str]) -> str:
        if not values.get(match[1]):
            raise BadCollection(f"{match[0]} has no value")
        return values[match[1]]

    return _NAMED.sub(value_of, text)


def names_in(text: str) -> Iterator[str]:
    """The variables that a text names."""
    yield from _NAMED.findall(text)


def _request(block: str) -> HttpRequest:
    title, *lines = block.splitlines()
    told, headers = _Told(), dict[str, str]()
    method = url = ""
    while lines and not (url and not lines[0].strip()):
        line = lines.pop(0)
        if comment := _COMMENT.match(line):
            _note(comment[1], told, title)
        elif begun := _REQUEST_LINE.match(line):
            method, url = begun[1], begun[2]
        elif url and (header := _HEADER.match(line)):
            headers[header[1]] = header[2].strip()
        elif line.strip():
            raise BadCollection(f"{title}: {line!r} is neither a request, a header nor a comment")
    if not url:
        raise BadCollection(f"{title}: there is no request")
    return HttpRequest(
        title=title.strip(),
        method=method,
        url=url,
        headers=headers,
        body="\n".join(lines).strip(),
        expect=told.expect,
        captures=told.captures,
        until=told.until,
        notes=tuple(told.notes),
    )


def _note(comment: str, told: _Told, title: str) -> None:
    word, _, rest = comment.partition(" ")
    match word:
        case "expect" if rest.isdecimal():
            told.expect = int(rest)
        case "capture" if captured := _CAPTURE.match(rest):
            told.captures[captured[1]] = captured[2]
        case "until" if awaited := _UNTIL.match(rest):
            told.until = (awaited[1], awaited[2])
        case "expect" | "capture" | "until":
            raise BadCollection(f"{title}: cannot be understood: {comment!r}")
        case _:
            told.notes.append(comment)
