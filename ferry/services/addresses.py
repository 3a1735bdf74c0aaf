"""Which addresses a peer may give us: where paths can be appended, not our own, and let through by the egress guard."""

import posixpath
from collections.abc import Callable
from urllib.parse import unquote, urlsplit

from ferry.domain.faults import EffectFailed, FaultCode
from ferry.protocol.paths import is_base
from ferry.settings import Settings

_PORTS = {"http": 80, "https": 443}


def not_our_own(settings: Settings, allow: Callable[[str], None]) -> Callable[[str], None]:
    """The egress guard, which also forbids this app and its data plane's flows: nobody makes us call ourselves.

    The check raises EffectFailed ADDRESS_FORBIDDEN.
    """
    plane = f"{settings.data_plane_url}/dataflows" if settings.data_plane_url else ""
    own = tuple(_place(url) for url in (settings.public_url, plane) if url)

    def check(url: str) -> None:
        allow(url)
        place = _place(url)
        if any(place == base or place.startswith(f"{base}/") for base in own):
            raise _forbidden(url, "it is an address of this participant itself")

    return check


def address_of_peer(settings: Settings, allow: Callable[[str], None]) -> Callable[[str], None]:
    """The same for an address to which we append paths, so a query must not swallow them."""
    check_place = not_our_own(settings, allow)

    def check(url: str) -> None:
        if not is_base(url):
            raise _forbidden(url, "it has a query, a fragment or a user")
        check_place(url)

    return check


def _place(url: str) -> str:
    """A URL in one form: scheme and host in small letters, with its port, the path without detours."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        raise _forbidden(url, "it cannot be read") from None
    path = posixpath.normpath(f"/{unquote(parts.path).lstrip('/')}").rstrip("/")
    return f"{parts.scheme}://{(parts.hostname or '').rstrip('.')}:{port}{path}"


def _forbidden(url: str, why: str) -> EffectFailed:
    place = url.partition("?")[0].partition("#")[0].rpartition("@")[2]
    message = f"{place} may not be called: {why}. Trying again does not help; name the peer's own address"
    return EffectFailed.because(FaultCode.ADDRESS_FORBIDDEN, message)
