"""Connections of `requests` that lead only where the egress guard lets them; blob endpoints of peers are called so.

The guard resolves the host when a connection is opened and the socket goes to an address that it has checked; TLS and
the Host header keep the name. Loaded on first use, for it is heavy.
"""

import os
import socket

from azure.core.pipeline.transport import RequestsTransport
from requests import Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError
from urllib3.util.connection import create_connection

from ferry.adapters.egress import EgressGuard

_POOL_SIZE = 64


class GuardedAdapter(HTTPAdapter):
    """Opens connections to addresses that the guard has checked, and no others."""

    def __init__(self, guard: EgressGuard) -> None:
        # The base class makes its pools while it is being initialised.
        self._pools = _guarded_pools(guard)
        super().__init__(pool_connections=_POOL_SIZE, pool_maxsize=_POOL_SIZE)

    def init_poolmanager(self, *args: object, **options: object) -> None:
        """Make the pools, of guarded connections."""
        super().init_poolmanager(*args, **options)  # pyright: ignore[reportArgumentType, reportUnknownMemberType]
        self.poolmanager.pool_classes_by_scheme = self._pools


def guarded_transport(guard: EgressGuard, *, connect_seconds: float, read_seconds: float) -> RequestsTransport:
    """A transport for the SDK: guarded, without a proxy or credentials from the environment."""
    session = Session()
    session.trust_env = False
    for scheme in ("http://", "https://"):
        session.mount(scheme, GuardedAdapter(guard))
    return RequestsTransport(
        session=session,
        session_owner=False,
        connection_timeout=connect_seconds,
        read_timeout=read_seconds,
        connection_verify=os.environ.get("REQUESTS_CA_BUNDLE") or True,
    )


def _guarded_pools(guard: EgressGuard) -> dict[str, type[HTTPConnectionPool]]:
    class PlainConnection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return _open(self, guard)

    class TlsConnection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return _open(self, guard)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = PlainConnection  # pyright: ignore[reportAssignmentType] - so are urllib3's own

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = TlsConnection  # pyright: ignore[reportAssignmentType]

    return {"http": PlainPool, "https": TlsPool}


def _open(connection: HTTPConnection, guard: EgressGuard) -> socket.socket:
    """A socket to the first address that answers. Raises EffectFailed as the guard, and urllib3's errors."""
    failure: Exception = NewConnectionError(connection, f"{connection.host} has no address")
    for address in guard.addresses(connection.host, connection.port):
        try:
            return create_connection(
                (address, connection.port), connection.timeout, socket_options=connection.socket_options
            )
        except TimeoutError:
            failure = ConnectTimeoutError(connection, f"{connection.host} does not answer")
        except OSError as error:
            failure = NewConnectionError(connection, f"{connection.host} cannot be reached: {error.strerror}")
    raise failure
