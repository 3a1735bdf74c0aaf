"""Free TCP ports on loopback, for processes that must know their own address before they start."""

import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
_LOWEST, _HIGHEST = 15000, 32000
_RANGE_FILE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_TRIES = 200


def free_port() -> int:
    """A port that nobody listens on now. Another process may still take it first: be ready to ask again.

    Not one of those that the kernel gives to outgoing connections: a process that is started again needs it once more.
    """
    highest = min(_HIGHEST, _first_ephemeral_port() - 1)
    for _ in range(_TRIES):
        port = random.randint(_LOWEST, highest)  # noqa: S311 - nothing secret about a port
        if is_free(port):
            return port
    raise OSError(f"None of {_TRIES} ports between {_LOWEST} and {highest} is free")


def is_free(port: int) -> bool:
    """Whether one could listen on it now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def _first_ephemeral_port() -> int:
    try:
        first = int(_RANGE_FILE.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return _HIGHEST + 1
    return first if first > _LOWEST + 1000 else _HIGHEST + 1
