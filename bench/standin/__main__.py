"""`python -m bench.standin OPTIONS`: serve on a free loopback port, print it, end when standard input ends."""

import asyncio
import gc
import ssl
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uvloop

from bench.standin.behaviour import Behaviour, parsed
from bench.standin.connection import Connection, Desk
from ferry.emulators.certificates import create_certificate

_BACKLOG = 4096


async def _serve(behaviour: Behaviour, folder: Path) -> None:
    loop = asyncio.get_running_loop()
    desk = Desk(behaviour, loop)
    context, bundle = None, ""
    if behaviour.is_tls:
        certificate = create_certificate(folder)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate.certificate_path, certificate.key_path)
        bundle = str(certificate.bundle_path)
    server = await loop.create_server(lambda: Connection(desk), "127.0.0.1", 0, ssl=context, backlog=_BACKLOG)
    gc.collect()
    gc.freeze()
    gc.disable()  # nothing here is cyclic but connections, and a run is short
    port = server.sockets[0].getsockname()[1]
    print(f"{port} {bundle}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def main(arguments: Sequence[str]) -> None:
    """Serve until standard input ends."""
    with tempfile.TemporaryDirectory(prefix="stand-in-") as folder:
        uvloop.run(_serve(parsed(arguments), Path(folder)))


if __name__ == "__main__":
    main(sys.argv[1:])
