"""WireSides: opens the two sides of a copy over connections that all sides of one origin share."""

import ipaddress
import re
import ssl
from urllib.parse import quote, unquote

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_sas import SasSigner
from ferry.adapters.blob_wire.access import Access, GivenAccess, SignedAccess
from ferry.adapters.blob_wire.destination import ContainerDestination
from ferry.adapters.blob_wire.pool import OriginPool
from ferry.adapters.blob_wire.reading import Reader
from ferry.adapters.blob_wire.sources import ContainerSource, FileSource
from ferry.adapters.egress import CheckedUrl, EgressGuard
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.secret import Secret
from ferry.ports.clock import Clock
from ferry.ports.storage import Account

_SAS = re.compile(r"[A-Za-z0-9%&=+/:;,._~-]+")
_SIGNED = re.compile(r"[?&]sig=")
_AZURE_HOST = re.compile(r"[a-z0-9-]+(\.z[0-9]+)?\.blob\..+")


class WireSides:
    """The real BlobSides; one for each process and event loop.

    `own_guard` is for accounts of ours, which may have endpoints of their own in private networks; others pass `guard`.
    """

    def __init__(
        self, guard: EgressGuard, clients: BlobClients, clock: Clock, *, own_guard: EgressGuard | None = None
    ) -> None:
        self._guard = guard
        self._own_guard = own_guard or guard
        self._clock = clock
        self._signer = SasSigner(clients, clock)
        self._pools: dict[tuple[str, str, int, EgressGuard], OriginPool] = {}
        self._tls: ssl.SSLContext | None = None

    def source(self, account: Account, container: str, *, gives_urls: bool) -> ContainerSource:
        """A container of an account of ours, or for which we have a SAS. Raises EffectFailed ADDRESS_FORBIDDEN."""
        endpoint = account.endpoint.rstrip("/")
        base = f"{endpoint}/{quote(container)}"
        pool = self._pool(endpoint, self._guard if account.sas is not None else self._own_guard)
        access: Access = SignedAccess(self._signer, self._clock, account, container, gives_urls=gives_urls)
        if account.sas is not None:
            access = GivenAccess(_query(account.sas, container, endpoint), gives_urls=gives_urls)
        return ContainerSource(Reader(pool), endpoint=endpoint, base=base, path=_path(base), access=access)

    def source_at(self, address: Secret) -> ContainerSource | FileSource:
        """What an address names. Raises EffectFailed ADDRESS_FORBIDDEN."""
        url = address.reveal()
        checked = self._guard.admit(url)
        reader = Reader(self._pool(url, self._guard))
        base, _, query = url.partition("?")
        origin = "/".join(base.split("/", 3)[:3])
        parts = [part for part in _path(base).split("/") if part]
        if not _is_azure(checked):
            name = unquote(parts[-1]) if parts else "download"
            return FileSource(reader, endpoint=origin, name=name, address=address, may_read_tags=False)
        account = 0 if _has_account_in_host(checked) else 1
        endpoint = "/".join([origin, *parts[:account]])
        access = GivenAccess(query)
        if len(parts) == account + 1 and "sr=b" not in query.split("&"):
            base = base.rstrip("/")
            return ContainerSource(reader, endpoint=endpoint, base=base, path=_path(base), access=access)
        # A path of one part that is a blob lies in the root container.
        name = unquote("/".join(parts[account + 1 :] or parts[account:])) or "download"
        return FileSource(reader, endpoint=endpoint, name=name, address=address, may_read_tags=access.may_read_tags)

    def destination(self, endpoint: str, container: str, sas: Secret) -> ContainerDestination:
        """A container for which a SAS is held. Raises EffectFailed ADDRESS_FORBIDDEN, SAS_REFUSED."""
        query = _query(sas, container, endpoint)
        endpoint = endpoint.rstrip("/")
        path = _path(f"{endpoint}/{quote(container)}")
        return ContainerDestination(self._pool(endpoint, self._guard), endpoint=endpoint, path=path, sas=query)

    async def close(self) -> None:
        """Close the idle connections."""
        for pool in self._pools.values():
            pool.close()

    def _pool(self, url: str, guard: EgressGuard) -> OriginPool:
        origin = guard.admit(url)
        key = (origin.scheme, origin.host, origin.port, guard)
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = OriginPool(origin, guard, self._tls_context)
        return pool

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            from ferry.adapters.guarded_transport import tls_context

            self._tls = tls_context()
        return self._tls


def _query(sas: Secret, container: str, endpoint: str) -> str:
    """The SAS as it stands in a URL, and nothing that could end that."""
    query = sas.reveal().lstrip("?")
    if not _SAS.fullmatch(query):
        message = f"the SAS for container {container} at {endpoint} is none; a retry does not help, ask for another"
        raise EffectFailed.because(FaultCode.SAS_REFUSED, message)
    return query


def _path(url: str) -> str:
    """What stands behind the origin, with its slash; empty where there is nothing."""
    _, slash, path = url.split("://", 1)[1].partition("/")
    return slash + path


def _is_azure(checked: CheckedUrl) -> bool:
    return _has_azure_host(checked.host) or bool(_SIGNED.search(checked.url) and "sv=" in checked.url)


def _has_azure_host(host: str) -> bool:
    return bool(_AZURE_HOST.fullmatch(host))


def _has_account_in_host(checked: CheckedUrl) -> bool:
    """Emulators have the account in the path; their hosts are addresses, bare names, or have a port of their own."""
    if _has_azure_host(checked.host):
        return True
    try:
        ipaddress.ip_address(checked.host)
    except ValueError:
        return "." in checked.host and not checked.host.endswith(".localhost") and checked.port == 443
    return False
