"""A stand-in as a process of its own, as benches and tests see it."""

import http.client
import json
import ssl
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from bench.standin.behaviour import Behaviour
from bench.standin.counts import Stats
from bench.standin.source import ACCOUNT
from bench.standin.written import Verdict

ROOT = Path(__file__).parents[2]
_TERMS = "sv=2025-05-05&sr=c&se=2099-01-01T00:00:00Z&sig=c3RhbmQtaW4%3D"
SOURCE, DESTINATION = "src", "dst"
DESTINATION_ACCOUNT = "destination"
_STOP_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class StandIn:
    """One that runs. `bundle_path`: the certificates that a client must trust; None without TLS."""

    port: int
    bundle_path: Path | None
    pid: int

    @property
    def base_url(self) -> str:
        """Scheme and authority."""
        return f"{'http' if self.bundle_path is None else 'https'}://127.0.0.1:{self.port}"

    @property
    def source_url(self) -> str:
        """The container that is read, with a SAS for reading and listing."""
        return f"{self.base_url}/{ACCOUNT}/{SOURCE}?sp=rl&{_TERMS}"

    def destination_url(self, letters: str = "rwl", *, container: str = DESTINATION) -> str:
        """A container that is written, with a SAS of these letters."""
        return f"{self.base_url}/{DESTINATION_ACCOUNT}/{container}?sp={letters}&{_TERMS}"

    def stats(self) -> Stats:
        """What was counted so far."""
        return cast("Stats", self._get("/stats"))

    def verdict(self, container: str = DESTINATION) -> Verdict:
        """How a container compares with the source."""
        return cast("Verdict", self._get(f"/verdict/{container}"))

    def writes(self, container: str = DESTINATION) -> dict[str, dict[str, int]]:
        """How often each blob was made (under an empty id), and each of its blocks staged."""
        return cast("dict[str, dict[str, int]]", self._get(f"/writes/{container}"))

    def mark(self, container: str = DESTINATION) -> int:
        """Remember which blocks are staged by now, for `staged_again`; how many."""
        return int(self._get(f"/mark/{container}")["staged"])

    def staged_bytes(self, container: str = DESTINATION) -> int:
        """How many bytes lie in blocks that are not committed, or did when they were."""
        return int(self._get(f"/staged/{container}")["bytes"])

    def change(self, name: str) -> None:
        """Overwrite a blob of the source."""
        self._get(f"/change/{name}")

    def environment(self) -> dict[str, str]:
        """What makes a client trust it."""
        bundle = str(self.bundle_path)
        return {} if self.bundle_path is None else {"SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle}

    def _get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        if self.bundle_path is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        else:
            context = ssl.create_default_context(cafile=str(self.bundle_path))
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise ValueError(f"the stand-in answers {answer.status} to {path}")
        return json.loads(content)


@contextmanager
def running_stand_in(behaviour: Behaviour) -> Generator[StandIn]:
    """One that ends with the block, and with this process, however that ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.standin", *behaviour.to_arguments()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        port, _, bundle = cast("IO[str]", process.stdout).readline().rstrip("\n").partition(" ")
        if not port:
            raise RuntimeError(f"the stand-in ended with {process.wait()}; what it said stands above")
        yield StandIn(int(port), Path(bundle) if bundle else None, process.pid)
    finally:
        for pipe in (process.stdin, process.stdout):
            cast("IO[str]", pipe).close()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
