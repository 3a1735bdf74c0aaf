"""The egress guard: which addresses this participant may send to, and to which IP it may connect for them.

Peers name callbacks, endpoints and bases; each passes here first. What is let through: https to an allowed host whose
every address is public (or in a network that the settings allow), and any port of this machine where a local profile
allows loopback. (Design: secrets and trust.)
"""

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from ferry.domain.faults import EffectFailed, FaultCode

type IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
type IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
type Resolver = Callable[[str, int], Sequence[str]]

ANY_HOST = "*"
URL_LIMIT = 4096
DEFAULT_PORTS = {"https": 443, "http": 80}

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::(?P<port>[0-9]{1,5}))?(?P<rest>[/?].*)?"
)
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")

# Addresses that hold an IPv4 address inside: what they lead to is not what they look like.
_EMBEDDING = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "::/96",
        "::ffff:0:0/96",
        "::ffff:0:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2001::/32",
        "2002::/16",
    )
)
_LOOPBACK = ipaddress.IPv6Address("::1")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
# Azure's own services for a virtual machine stand under a public address.
_AZURE_PLATFORM = (ipaddress.IPv4Address("168.63.129.16"), ipaddress.IPv4Address("169.254.169.254"))


@dataclass(frozen=True, slots=True)
class CheckedUrl:
    """A URL that passed: its parts, and the addresses to which alone it may be connected."""

    url: str
    scheme: str
    host: str
    port: int
    addresses: tuple[str, ...] = field(default=())


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, each once, in the order of the system."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class EgressGuard:
    """Checks URLs against the allowed hosts.

    An entry of `allowed_hosts` is a host (`provider.example`), a suffix (`.blob.core.windows.net`), either with a port
    (`provider.example:8443`), or `*` for any public host. `allowed_networks` are private networks that allowed hosts
    may lie in, such as that of private endpoints.
    """

    def __init__(
        self,
        allowed_hosts: Sequence[str],
        *,
        allow_loopback: bool = False,
        allowed_networks: Sequence[str] = (),
        resolver: Resolver = resolve,
    ) -> None:
        self._allowed = frozenset(entry.strip().lower() for entry in allowed_hosts if entry.strip())
        self._allow_loopback = allow_loopback
        self._networks: tuple[IpNetwork, ...] = tuple(ipaddress.ip_network(network) for network in allowed_networks)
        self._resolver = resolver

    def check(self, url: str) -> CheckedUrl:
        """The URL with the addresses that it may be connected to.

        Raises EffectFailed ADDRESS_FORBIDDEN, or PEER_UNREACHABLE (retryable) where its host has no address now.
        """
        admitted = self.admit(url)
        addresses = self.addresses(admitted.host, admitted.port)
        return CheckedUrl(admitted.url, admitted.scheme, admitted.host, admitted.port, addresses)

    def admit(self, url: str) -> CheckedUrl:
        """The URL's parts, if its form, scheme, host and port are allowed; nothing is resolved.

        Raises EffectFailed ADDRESS_FORBIDDEN.
        """
        parts = _split(url)
        literal = _literal(parts.host)
        is_local = self._is_local(parts.host, literal)
        if parts.scheme not in DEFAULT_PORTS:
            _forbid(parts.host, f"the scheme must be https, not {parts.scheme!r}")
        if parts.scheme == "http" and not (is_local and self._allow_loopback):
            _forbid(parts.host, "http is not allowed, use https")
        self._permit_host(parts.host, parts.port)
        return parts

    def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """The addresses of an allowed host, every one of them allowed; connect to these and to no other.

        Raises EffectFailed ADDRESS_FORBIDDEN, or PEER_UNREACHABLE (retryable) where the host has no address now.
        """
        host = host.strip("[]").lower()
        literal = _literal(host)
        self._permit_host(host, port)
        found = (str(literal),) if literal is not None else self._resolved(host, port)
        for address in found:
            self._permit_address(host, address)
        return found

    def _resolved(self, host: str, port: int) -> tuple[str, ...]:
        try:
            found = tuple(self._resolver(host, port))
        except (OSError, UnicodeError):
            found = ()
        if not found:
            message = f"{host} has no address now; trying again may help"
            raise EffectFailed.because(FaultCode.PEER_UNREACHABLE, message, retryable=True)
        return found

    def _is_local(self, host: str, literal: IpAddress | None) -> bool:
        if literal is not None:
            return _is_loopback(literal)
        return host == "localhost" or host.endswith(".localhost")

    def _permit_host(self, host: str, port: int) -> None:
        literal = _literal(host)
        if self._is_local(host, literal):
            if not self._allow_loopback:
                _forbid(host, "it is this machine itself")
            return
        if not self._is_listed(host, port, is_name=literal is None):
            _forbid(host, f"host and port {port} are not among the allowed hosts (FERRY_ALLOWED_HOSTS)")

    def _is_listed(self, host: str, port: int, *, is_name: bool) -> bool:
        candidates = {host}
        if is_name:
            labels = host.split(".")
            candidates |= {"." + ".".join(labels[start:]) for start in range(1, len(labels))}
        if any(f"{candidate}:{port}" in self._allowed for candidate in candidates):
            return True
        if port != DEFAULT_PORTS["https"]:
            return False
        # A name in Punycode looks like another one, so a wildcard does not stand for it.
        is_plain_name = is_name and not any(label.startswith("xn--") for label in host.split("."))
        return bool(candidates & self._allowed) or (ANY_HOST in self._allowed and is_plain_name)

    def _permit_address(self, host: str, text: str) -> None:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            _forbid(host, "its address cannot be read")
        if address in _AZURE_PLATFORM:
            _forbid(host, "it leads to a service of the platform")
        if _is_loopback(address):
            if not self._allow_loopback:
                _forbid(host, "it leads to this machine itself")
            return
        if self._is_local(host, _literal(host)):
            _forbid(host, f"it stands for this machine and leads to {address}")
        if any(address.version == network.version and address in network for network in self._networks):
            return
        if not _is_public(address):
            _forbid(host, f"it leads to {address}, which is not a public address")


def _is_loopback(address: IpAddress) -> bool:
    return address.is_loopback and not _embeds(address)


def _is_public(address: IpAddress) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and (address not in _GLOBAL_UNICAST or _embeds(address)):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embeds(address: IpAddress) -> bool:
    is_v6 = isinstance(address, ipaddress.IPv6Address) and address != _LOOPBACK
    return is_v6 and any(address in network for network in _EMBEDDING)


def _split(url: str) -> CheckedUrl:
    """The parts of a URL in the one form that is read: nothing that two readers could take for different hosts."""
    if len(url) > URL_LIMIT:
        _forbid("the address", f"it has more than {URL_LIMIT} characters")
    if not _VISIBLE.fullmatch(url) or "\\" in url or "#" in url:
        _forbid("the address", "it holds spaces, control characters, '\\', '#' or letters outside ASCII")
    parsed = _URL.fullmatch(url)
    if parsed is None:
        _forbid("the address", "it is not of the form https://host[:port]/path, without a user")
    scheme, host = parsed["scheme"].lower(), parsed["host"].strip("[]").lower()
    port = int(parsed["port"]) if parsed["port"] else DEFAULT_PORTS.get(scheme, 0)
    if parsed["port"] is not None and not 1 <= port <= 65535:
        _forbid(host, f"{port} is no port")
    _literal(host)
    return CheckedUrl(url, scheme, host, port)


def _literal(host: str) -> IpAddress | None:
    """The address where a host is one; None where it is a name. Any other form of either is forbidden."""
    if ":" in host:
        try:
            return ipaddress.IPv6Address(host)
        except ValueError:
            _forbid("the address", "its IPv6 address cannot be read")
    labels = host.split(".")
    if _NUMERIC_LABEL.fullmatch(labels[-1]):
        try:
            return ipaddress.IPv4Address(host)
        except ValueError:
            _forbid("the address", "an IPv4 address has four decimal numbers without leading zeros")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        _forbid("the address", "its host is no host name")
    return None


def _forbid(host: str, why: str) -> NoReturn:
    message = (
        f"{host} may not be called: {why}. Trying again does not help; allow it in the settings or use another one"
    )
    raise EffectFailed.because(FaultCode.ADDRESS_FORBIDDEN, message)
