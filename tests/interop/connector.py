"""A stock EDC connector on loopback: brought by Maven once into the cache folder, configured, run as a process."""

import hashlib
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ferry.cli.environment import machine_environment
from ferry.cli.failure import CommandFailed, tail
from ferry.cli.orphan_watch import kill_group
from ferry.cli.ports import LOOPBACK, free_port
from ferry.cli.watchdog import Watchdog
from ferry.emulators.azurite import StorageAccount
from ferry.emulators.azurite_install import cache_dir

VERSION = "0.15.1"
_PROJECT = Path(__file__).parent / "edc"
# Without a data plane of its own, and with a Key Vault for a vault.
CONTROL_PROJECT = Path(__file__).parent / "signaling"
_CONTEXTS = {
    "web.http": "/api",
    "web.http.control": "/control",
    "web.http.management": "/management",
    "web.http.protocol": "/protocol",
    "web.http.version": "/version",
}
_STATE_MACHINES = ("negotiation", "transfer", "dataplane")
_BRISK_MILLISECONDS = 50
_MAIN_CLASS = "org.eclipse.edc.boot.system.runtime.BaseRuntime"
# Some contexts answer before all of them do; its own line is the one safe sign.
_READY_LINE = re.compile(r"Runtime .* ready")
# Between the choice of a port and its use somebody else may take it.
_LOST_PORT = re.compile(r"Address already in use|Failed to bind")
_BUILD_SECONDS = 900
_BOOT_SECONDS = 120.0
_STOP_SECONDS = 15.0
_MEMORY = "-Xmx512m"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorSettings:
    """One connector. `blob_endpoint` has `%s` for an account's name: EDC knows one for all accounts.

    `brisk`: its state machines look every 50 ms; as shipped, they look once in a second. `properties`: more settings.
    """

    participant_id: str
    account: StorageAccount
    blob_endpoint: str
    brisk: bool
    properties: Mapping[str, str] = field(default_factory=dict[str, str])


def jars(project: Path = _PROJECT) -> Path:
    """The folder with the class path, built by Maven where it is not there yet. Raises CommandFailed."""
    folder = cache_dir().resolve() / "edc" / f"{VERSION}-{_digest(project)}"
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Moved into place as a whole: whoever comes second meets all of it or nothing.
    with tempfile.TemporaryDirectory(prefix="new-", dir=folder.parent) as fresh:
        output = Path(fresh) / "built"
        goals = ["compile", "dependency:copy-dependencies", "-DincludeScope=runtime"]
        command = ["mvn", "-B", "-q", "-f", str(project / "pom.xml"), *goals]
        command += [f"-Doutput={output}", f"-DoutputDirectory={output / 'lib'}"]
        finished = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=sys.stderr, timeout=_BUILD_SECONDS, check=False
        )
        if finished.returncode != 0:
            raise CommandFailed(f"Maven could not bring EDC {VERSION}", next_step="read its lines above, run again")
        if not folder.exists():
            shutil.move(output, folder)
    return folder


@dataclass(slots=True)
class Connector:
    """One running connector; `stop` ends it."""

    settings: ConnectorSettings
    folder: Path
    watchdog: Watchdog = field(repr=False)
    api_key: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    _ports: Mapping[str, int] = field(default_factory=dict[str, int], init=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def management_url(self) -> str:
        """The base of management API v3."""
        return f"{self._url('web.http.management')}/v3"

    @property
    def control_url(self) -> str:
        """The base of what data planes call."""
        return self._url("web.http.control")

    @property
    def protocol_url(self) -> str:
        """The DSP base, version 2025-1."""
        return f"{self._url('web.http.protocol')}/2025-1"

    @property
    def log_path(self) -> Path:
        """What it writes."""
        return self.folder / f"{self.settings.participant_id}.log"

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self, built: Path) -> None:
        """Start it on free ports and return at once; `wait_until_ready` waits."""
        self._ports = _free_ports()
        properties = self.folder / f"{self.settings.participant_id}.properties"
        properties.touch(mode=0o600)
        properties.write_text("".join(f"{name}={value}\n" for name, value in self._properties().items()))
        command = ["java", _MEMORY, f"-Dedc.fs.config={properties}", "-cp", f"{built / 'classes'}:{built / 'lib'}/*"]
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, _MAIN_CLASS],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=machine_environment(),
                start_new_session=True,
            )
        self.watchdog.add(self._process.pid)

    def wait_until_ready(self, built: Path) -> None:
        """Return when it can work, if need be on other ports. Raises CommandFailed with the tail of its log."""
        deadline = time.monotonic() + _BOOT_SECONDS
        while not _READY_LINE.search(said := self.log_path.read_text(errors="replace")):
            if not self.is_running and _LOST_PORT.search(said):
                self.stop()
                self.start(built)
            elif not self.is_running or time.monotonic() > deadline:
                what = f"EDC {VERSION} was not ready within {_BOOT_SECONDS:g} s\n{tail(self.log_path)}"
                raise CommandFailed(what, next_step="read the log above and start again", log=self.log_path)
            time.sleep(0.1)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that does not help in time; a second call does nothing."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            kill_group(self._process.pid)
            self._process.wait()
        self.watchdog.remove(self._process.pid)
        self._process = None

    def _url(self, context: str) -> str:
        return f"http://{LOOPBACK}:{self._ports[context]}{_CONTEXTS[context]}"

    def _properties(self) -> dict[str, str]:
        listening: dict[str, str] = {}
        for context, path in _CONTEXTS.items():
            listening |= {f"{context}.port": str(self._ports[context]), f"{context}.path": path}
        return {
            **listening,
            "edc.participant.id": self.settings.participant_id,
            "edc.hostname": LOOPBACK,
            "web.http.management.auth.type": "tokenbased",
            "web.http.management.auth.key": self.api_key,
            "edc.dsp.callback.address": self._url("web.http.protocol"),
            "edc.control.endpoint": self._url("web.http.control"),
            # It asks for the names of keys for pull transfers, which nobody makes here.
            "edc.transfer.proxy.token.verifier.publickey.alias": "none",
            "edc.transfer.proxy.token.signer.privatekey.alias": "none",
            "edc.blobstore.endpoint.template": self.settings.blob_endpoint,
            f"seed.secret.{self.settings.account.name}": self.settings.account.key,
            **(_brisk() if self.settings.brisk else {}),
            **self.settings.properties,
        }


def _brisk() -> dict[str, str]:
    return {f"edc.{name}.state-machine.iteration-wait-millis": str(_BRISK_MILLISECONDS) for name in _STATE_MACHINES}


def _free_ports() -> dict[str, int]:
    """A port for each context, none twice."""
    ports: dict[int, str] = {}
    while len(ports) < len(_CONTEXTS):
        ports.setdefault(free_port(), list(_CONTEXTS)[len(ports)])
    return {context: port for port, context in ports.items()}


def _digest(project: Path) -> str:
    files = sorted(path for path in project.rglob("*") if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]
