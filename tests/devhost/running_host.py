"""The local host as a process of its own, with the test app, for tests that talk to it from outside."""

import http.client
import json
import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, cast

from ferry.devhost.host import HostOptions
from ferry.emulators.azurite import StorageAccount

TEST_APP = Path(__file__).parent / "app"
START_SECONDS = 30.0
type Line = dict[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer of the host."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def json(self) -> dict[str, object]:
        """The body as a JSON object."""
        return cast("dict[str, object]", json.loads(self.body))

    def header(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for key, value in self.headers if key.lower() == name]


@dataclass(slots=True)
class HostPlace:
    """What several hosts may share: accounts, queue names, host id and journal."""

    host_account: StorageAccount
    data_account: StorageAccount
    folder: Path
    id: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:16]}")

    @property
    def work_queue(self) -> str:
        """The queue that the app listens to."""
        return f"work-{self.id}"

    @property
    def done_queue(self) -> str:
        """The queue in the data account that the app answers on."""
        return f"done-{self.id}"

    @property
    def journal(self) -> Path:
        """Where the app notes what it does."""
        return self.folder / f"{self.id}.jsonl"

    def environment(self) -> dict[str, str]:
        """The settings of the test app."""
        return {
            "AzureWebJobsStorage": self.host_account.connection_string,
            "Data": self.data_account.connection_string,
            "AzureFunctionsWebHost__hostid": self.id,
            "JOURNAL": str(self.journal),
            "WORK_QUEUE": self.work_queue,
            "DONE_QUEUE": self.done_queue,
            "TICK": "0 0 0 1 1 *",
        }

    def lines(self, kind: str) -> list[Line]:
        """What the app noted of one kind, in order."""
        if not self.journal.exists():
            return []
        lines = [cast("Line", json.loads(line)) for line in self.journal.read_text().splitlines()]
        return [line for line in lines if line["kind"] == kind]

    def wait_for_lines(self, kind: str, count: int, *, timeout_seconds: float = 10.0) -> list[Line]:
        """Wait until the app noted so many lines of a kind."""
        wait_until(lambda: len(self.lines(kind)) >= count, timeout_seconds, f"{count} lines of {kind}")
        return self.lines(kind)


class RunningHost:
    """A host process; use it as a context manager."""

    def __init__(
        self,
        place: HostPlace,
        settings: Mapping[str, str] | None = None,
        *,
        app: Path = TEST_APP,
        auth: bool = False,
        fail_fast: bool = False,
        grace_seconds: float = 10.0,
        port: int = 0,
    ) -> None:
        name = uuid.uuid4().hex[:8]
        self.place = place
        self.ready_file = place.folder / f"ready-{name}.json"
        self.log_file = place.folder / f"log-{name}.txt"
        options = HostOptions(
            app, port, auth=auth, fail_fast=fail_fast, ready_file=self.ready_file, grace_seconds=grace_seconds
        )
        environment = {**os.environ, **place.environment(), **(settings or {})}
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(options.command(), env=environment, stderr=log, stdin=subprocess.DEVNULL)
        self.port = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    @property
    def log(self) -> str:
        """What the process wrote to stderr."""
        return self.log_file.read_text(errors="replace")

    def wait_until_ready(self) -> Self:
        """Wait for the ready file."""
        self._wait(self.ready_file.exists, "the ready file")
        self.port = int(cast("int", json.loads(self.ready_file.read_text())["port"]))
        return self

    def wait_until_logged(self, text: str) -> Self:
        """Wait for a text in the log; takes the port from it when it is an address."""
        self._wait(lambda: text in self.log, f"'{text}' in the log")
        self.port = int(self.log.partition("http://127.0.0.1:")[2].partition("\n")[0] or 0)
        return self

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def wait_for_exit(self, timeout_seconds: float = 15.0) -> int:
        """The exit code."""
        return self.process.wait(timeout_seconds)

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        wait_until(lambda: condition() or self.process.poll() is not None, START_SECONDS, what)
        if not condition():
            raise AssertionError(f"the host ended with code {self.process.returncode}: {self.log}")


def wait_until(condition: Callable[[], bool], timeout_seconds: float, what: str) -> None:
    """Poll until something is so; fails with what did not come."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come in {timeout_seconds} s"
        time.sleep(0.02)
