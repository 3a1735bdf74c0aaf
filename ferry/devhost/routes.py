"""ASP.NET route templates: parsing, constraints, order and matching as in the Functions host."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cmp_to_key
from typing import TYPE_CHECKING
from urllib.parse import unquote
from uuid import UUID

from ferry.devhost.errors import RouteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    type Check = Callable[[str], bool]

RESERVED_PREFIXES = ("admin", "runtime")
_PARAMETER = re.compile(r"(\*{0,2})([A-Za-z_]\w*)((?::[^:()]+(?:\(.*?\))?)*)(=[^?]*)?(\?)?$")
_CONSTRAINT = re.compile(r":([^:()]+)(?:\((.*?)\))?")


@dataclass(frozen=True, slots=True)
class Segment:
    """One path segment of a template: a literal text, or a parameter."""

    literal: str = ""
    parameter: str = ""
    catch_all: bool = False
    optional: bool = False
    default: str | None = None
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """A template bound to a function; `methods` None means all."""

    function_name: str
    segments: tuple[Segment, ...]
    methods: frozenset[str] | None

    def match(self, path: Sequence[str]) -> dict[str, str] | None:
        """Route parameters when the decoded path segments fit, else None."""
        values: dict[str, str] = {}
        for index, segment in enumerate(self.segments):
            if segment.catch_all:
                return _with_value(values, segment, "/".join(path[index:]))
            if index >= len(path):
                if not segment.optional and segment.default is None:
                    return None
                if segment.default is not None:
                    values[segment.parameter] = segment.default
            elif not segment.parameter:
                if segment.literal.lower() != path[index].lower():
                    return None
            elif not path[index] or not all(check(path[index]) for check in segment.checks):
                return None
            else:
                values[segment.parameter] = path[index]
        return values if len(path) <= len(self.segments) else None


class RouteTable:
    """All routes of an app, tried in the host's order."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = sorted(routes, key=cmp_to_key(_compare))

    def find(self, method: str, path: str) -> tuple[str, dict[str, str]] | None:
        """Function name and route parameters for a raw (percent-encoded) path, or None for a 404."""
        segments = split_path(path)
        for route in self._routes:
            if route.methods is not None and method.upper() not in route.methods:
                continue
            values = route.match(segments)
            if values is not None:
                return route.function_name, values
        return None


def parse_route(*, prefix: str, template: str, function_name: str, methods: frozenset[str] | None) -> Route:
    """Parse a template below the route prefix; raises RouteError."""
    full = "/".join(part for part in (prefix, template) if part)
    segments = tuple(_segment(text, full) for text in _split_template(full))
    if segments and segments[0].literal.lower() in RESERVED_PREFIXES:
        raise RouteError(
            f"The route '{full}' of '{function_name}' begins with '{segments[0].literal}', which is the host's own"
        )
    if any(segment.catch_all for segment in segments[:-1]):
        raise RouteError(f"The route '{full}' has a catch-all parameter before its end")
    return Route(function_name, segments, methods)


def split_path(raw_path: str) -> list[str]:
    """Decoded segments of a raw path; an encoded slash stays encoded, as Kestrel leaves it."""
    parts = raw_path.strip("/").split("/") if raw_path.strip("/") else []
    return [_decode(part) for part in parts]


def _decode(part: str) -> str:
    if "%" not in part:
        return part
    pieces = re.split(r"(%2[fF])", part)
    return "".join(piece if piece.lower() == "%2f" else unquote(piece) for piece in pieces)


def _split_template(template: str) -> list[str]:
    parts: list[str] = []
    depth = 0
    current = ""
    for character in template:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "/" and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
    return [part for part in [*parts, current] if part]


def _segment(text: str, template: str) -> Segment:
    if "{" not in text and "}" not in text:
        return Segment(literal=text)
    if not (text.startswith("{") and text.endswith("}")):
        raise RouteError(f"The segment '{text}' of route '{template}' mixes text and parameter; split it by '/'")
    match = _PARAMETER.match(text[1:-1])
    if match is None:
        raise RouteError(f"The parameter '{text}' of route '{template}' cannot be read; write {{name}} or {{name:int}}")
    stars, name, constraints, default, optional = match.groups()
    return Segment(
        parameter=name,
        catch_all=bool(stars),
        optional=bool(optional),
        default=default[1:] if default else None,
        checks=tuple(_check(kind, argument, template) for kind, argument in _CONSTRAINT.findall(constraints or "")),
    )


def _with_value(values: dict[str, str], segment: Segment, rest: str) -> dict[str, str] | None:
    if not rest:
        if segment.default is not None:
            values[segment.parameter] = segment.default
        return values
    if not all(check(rest) for check in segment.checks):
        return None
    values[segment.parameter] = rest
    return values


def _compare(left: Route, right: Route) -> int:
    """Literals before parameters, more constraints before fewer, literals by alphabet, longer before shorter."""
    for mine, theirs in zip(left.segments, right.segments, strict=False):
        if bool(mine.parameter) != bool(theirs.parameter):
            return 1 if mine.parameter else -1
        if mine.parameter and len(mine.checks) != len(theirs.checks):
            return len(theirs.checks) - len(mine.checks)
        if mine.literal.lower() != theirs.literal.lower():
            return -1 if mine.literal.lower() < theirs.literal.lower() else 1
    difference = len(right.segments) - len(left.segments)
    return difference or _catch_alls(left) - _catch_alls(right)


def _catch_alls(route: Route) -> int:
    return sum(segment.catch_all for segment in route.segments)


def _parses(convert: Callable[[str], object]) -> Check:
    def check(value: str) -> bool:
        try:
            convert(value)
        except ValueError:
            return False
        return True

    return check


def _integer_check(low: int, high: int) -> Check:
    return lambda value: re.fullmatch(r"[+-]?\d+", value) is not None and low <= int(value) <= high


_PLAIN_CHECKS: dict[str, Check] = {
    "int": _integer_check(-(2**31), 2**31 - 1),
    "long": _integer_check(-(2**63), 2**63 - 1),
    "bool": lambda value: value.lower() in {"true", "false"},
    "guid": _parses(UUID),
    "float": _parses(float),
    "double": _parses(float),
    "decimal": _parses(float),
    "datetime": _parses(datetime.fromisoformat),
    "alpha": lambda value: re.fullmatch(r"[A-Za-z]*", value) is not None,
    "required": bool,
}


def _check(kind: str, argument: str, template: str) -> Check:
    if not argument and kind in _PLAIN_CHECKS:
        return _PLAIN_CHECKS[kind]
    try:
        check = _check_with_argument(kind, argument)
    except (ValueError, re.error) as error:
        raise RouteError(f"The constraint '{kind}({argument})' of route '{template}' cannot be read") from error
    if check is None:
        raise RouteError(f"The constraint '{kind}' of route '{template}' is not known")
    return check


def _check_with_argument(kind: str, argument: str) -> Check | None:
    if kind == "regex":
        pattern = re.compile(argument.replace("{{", "{").replace("}}", "}"), re.IGNORECASE)
        return lambda value: pattern.search(value) is not None
    numbers = [int(number) for number in argument.split(",")] if argument else []
    match kind, numbers:
        case "min", [low]:
            return _integer_check(low, 2**63 - 1)
        case "max", [high]:
            return _integer_check(-(2**63), high)
        case "range", [low, high]:
            return _integer_check(low, high)
        case "minlength", [low]:
            return lambda value: len(value) >= low
        case "maxlength", [high]:
            return lambda value: len(value) <= high
        case "length", [size]:
            return lambda value: len(value) == size
        case "length", [low, high]:
            return lambda value: low <= len(value) <= high
        case _:
            return None
