"""The values of a route as they were meant: ids of assets are URLs, and a host gives their slashes as `%2F`.

ASP.NET Core decodes everything in a path but an encoded slash, so `%2F` and `%252F` come out the same. The path as
it was sent tells them apart: the front end of App Service adds it as a header, and a local host gives it in the URL.
"""

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

SENT_PATH_HEADER = "x-waws-unencoded-url"

_SLASH = re.compile(r"%2f", re.IGNORECASE)


def route_values(template: str, given: Mapping[str, str], sent: Iterable[str]) -> dict[str, str]:
    """The values of a template's parameters. `sent`: URLs or paths that may be what the client has sent."""
    return {name: _meant(template, name, value, sent) for name, value in given.items()}


def _meant(template: str, name: str, value: str, sent: Iterable[str]) -> str:
    if not _SLASH.search(value):
        return value
    for url in sent:
        raw = _raw_value(template, name, url)
        if raw is not None and _as_host_decodes(raw) == value:
            return unquote(raw)
    return _SLASH.sub("/", value)


def _raw_value(template: str, name: str, url: str) -> str | None:
    """What stands in the URL where the template has this parameter, counted from the end."""
    places = template.split("/")
    parts = url.partition("?")[0].split("/")
    if f"{{{name}}}" not in places or len(parts) < len(places):
        return None
    return parts[places.index(f"{{{name}}}") - len(places)]


def _as_host_decodes(raw: str) -> str:
    pieces = re.split(r"(%2[fF])", raw)
    return "".join(piece if _SLASH.fullmatch(piece) else unquote(piece) for piece in pieces)
