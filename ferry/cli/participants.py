"""A participant as a process of its own: the Functions app under a host, on a port that it keeps when started again."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from ferry.cli.environment import ParticipantSettings, machine_environment, merged
from ferry.cli.failure import CommandFailed, tail
from ferry.cli.hosts import PROJECT_ROOT, HostKind, host_command, host_environment
from ferry.cli.orphan_watch import kill_group
from ferry.cli.ports import LOOPBACK, free_port, is_free
from ferry.cli.watchdog import Watchdog

READY_PATH = "/api/health/ready"
STOP_SECONDS = 10.0
_PROBE_SECONDS = 5.0
_PORT_TRIES = 3


@dataclass(frozen=True, slots=True)
class RunPlace:
    """What all processes of a run share: the host, the folder for logs and the watch over orphans."""

    host: HostKind
    folder: Path
    watchdog: Watchdog = field(repr=False)


class ParticipantProcess:
    """One process of one participant; `start` returns at once, `wait_until_ready` when it can work."""

    def __init__(
        self, name: str, settings: ParticipantSettings, *, place: RunPlace, environment: Mapping[str, str]
    ) -> None:
        """`environment` goes above the settings; an empty value takes one away."""
        self.name = name
        self.settings = settings
        self.log_path = place.folder / f"{name}.log"
        self._place = place
        self._environment = dict(environment)
        self._ready_file = place.folder / f"{name}.ready"
        self._settings_file = place.folder / "local.settings.json"
        self._port = free_port()
        self._lost_ports = 0
        self._is_known = False
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def management_url(self) -> str:
        """The base of EDC's management API, version 3."""
        return f"{self.url}/api/management/v3"

    @property
    def record_url(self) -> str:
        """The base of the decision record's own paths."""
        return f"{self.url}/api/v1/data/transferprocess"

    @property
    def protocol_url(self) -> str:
        """The DSP base, which a counter-party is given."""
        return f"{self.url}/api/dsp/2025-1"

    @property
    def events_url(self) -> str:
        """Where Event Grid tells of completion markers."""
        return f"{self.url}/runtime/webhooks/blobs?functionName=Host.Functions.completion_marker"

    @property
    def api_key(self) -> str:
        """What the management API wants in `x-api-key`."""
        return self.settings.api_key

    @property
    def pid(self) -> int | None:
        """The host's process id; None while it does not run."""
        return self._process.pid if self._process is not None else None

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start the process; `environment` replaces what was given above the settings before."""
        if self.is_running:
            raise RuntimeError(f"{self.name} runs already, as process {self.pid}; stop or kill it first")
        if environment is not None:
            self._environment = dict(environment)
        self._settings_file.write_text('{"IsEncrypted": false, "Values": {}}')
        self._ready_file.unlink(missing_ok=True)
        command = host_command(
            self._place.host, port=self._port, ready_file=self._ready_file, settings_file=self._settings_file
        )
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own module under our own interpreter, or func
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._full_environment(),
                cwd=PROJECT_ROOT,
                # A Ctrl-C goes to the whole foreground group; these are told to stop one by one.
                start_new_session=True,
            )
        self._place.watchdog.add(self._process.pid)

    def has_started(self) -> bool:
        """Whether it is ready to work. Raises CommandFailed where it has ended, after another port did not help."""
        if not self.is_running:
            self._start_on_another_port()
            return False
        if self._place.host is HostKind.DEVHOST and not self._ready_file.exists():
            return False
        is_ready = self.readiness() == ""
        # From then on others know the address, so it is kept.
        self._is_known = self._is_known or is_ready
        return is_ready

    def readiness(self) -> str:
        """Empty where it says that it is ready; else why it is not."""
        try:
            answer = httpx2.get(f"{self.url}{READY_PATH}", timeout=_PROBE_SECONDS, trust_env=False)
        except httpx2.HTTPError as error:
            return f"it does not answer: {error}"
        return "" if answer.status_code == 200 else f"it answers {answer.status_code}: {answer.text}"

    def wait_until_ready(self, timeout_seconds: float = 60.0) -> None:
        """Return when it can work. Raises CommandFailed with the tail of its log."""
        deadline = time.monotonic() + timeout_seconds
        while not self.has_started():
            if time.monotonic() > deadline:
                raise self.failed(f"{self.name} was not ready within {timeout_seconds:g} s: {self.readiness()}")
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL, as a crash: nothing is finished or told."""
        if self._process is not None:
            kill_group(self._process.pid)
            self._reap()

    def terminate(self) -> None:
        """SIGTERM without waiting; `stop` waits."""
        if self._process is not None and self.is_running:
            os.kill(self._process.pid, signal.SIGTERM)

    def stop(self, timeout_seconds: float = STOP_SECONDS) -> None:
        """SIGTERM, and SIGKILL where that does not help in time; a second call does nothing."""
        if self._process is None:
            return
        self.terminate()
        try:
            self._process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            kill_group(self._process.pid)
        self._reap()

    def restart(self, environment: Mapping[str, str] | None = None, *, timeout_seconds: float = 60.0) -> None:
        """Stop it if it runs, start it on the same port and wait until it is ready."""
        self.stop()
        self.start(environment)
        self.wait_until_ready(timeout_seconds)

    def failed(self, what: str) -> CommandFailed:
        """The error that says what went wrong with this process, with the tail of its log."""
        said = tail(self.log_path)
        text = f"{what}\n{said}" if said else what
        return CommandFailed(text, next_step="read the log above and start again", log=self.log_path)

    def _reap(self) -> None:
        if self._process is not None:
            pid = self._process.pid
            self._process.wait()
            # What the host itself has started belongs to its group.
            kill_group(pid)
            self._place.watchdog.remove(pid)
            self._process = None

    def _start_on_another_port(self) -> None:
        """Between the choice of a port and its use somebody else may take it; any other end is the app's own fault."""
        code = self._process.returncode if self._process is not None else None
        self._reap()
        if self._is_known or is_free(self._port) or self._lost_ports >= _PORT_TRIES:
            raise self.failed(f"{self.name} ended with exit code {code} before it was ready")
        self._lost_ports += 1
        self._port = free_port()
        self.start()

    def _full_environment(self) -> dict[str, str]:
        machine = machine_environment()
        host = host_environment(self._place.host, machine.get("PATH", ""))
        return merged(machine, host, self.settings.environment(self.url), self._environment)
