"""Starts Azurite, Microsoft's storage emulator, on free loopback ports and ends it with the process that started it."""

import base64
import os
import re
import secrets
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self, cast

from ferry.emulators.azurite_install import AzuriteInstallation, install_azurite
from ferry.emulators.certificates import Certificate
from ferry.emulators.operations import StorageService
from ferry.emulators.request_log import RequestLog, parse_line

LOOPBACK = "127.0.0.1"
_SERVICES: tuple[StorageService, ...] = ("blob", "queue", "table")
_LISTENING = re.compile(r"Azurite (Blob|Queue|Table) service is successfully listening at (https?://\S+)")
_FLUSHED = "azurite flushed"
_KEPT_OUTPUT_LINES = 50
_STOP_TIMEOUT_SECONDS = 5.0
_ACCOUNT_KEY_BYTES = 64


class AzuriteStartError(RuntimeError):
    """Azurite ended or did not listen in time; its last output is in the message."""


@dataclass(frozen=True, slots=True)
class StorageAccount:
    """One account in Azurite: endpoints end with the account's name, without a slash."""

    name: str
    key: str = field(repr=False)
    blob_endpoint: str
    queue_endpoint: str
    table_endpoint: str

    @property
    def connection_string(self) -> str:
        """What the storage SDKs and `AzureWebJobsStorage` take; it contains the key."""
        return (
            f"DefaultEndpointsProtocol={self.blob_endpoint.split(':', 1)[0]};"
            f"AccountName={self.name};AccountKey={self.key};BlobEndpoint={self.blob_endpoint};"
            f"QueueEndpoint={self.queue_endpoint};TableEndpoint={self.table_endpoint};"
        )


def new_account_key() -> str:
    """A random account key, base64 of 64 bytes as in Azure."""
    return base64.b64encode(secrets.token_bytes(_ACCOUNT_KEY_BYTES)).decode()


class Azurite:
    """A running Azurite; use it as a context manager or call `stop`."""

    def __init__(self, process: subprocess.Popen[str], account_keys: Mapping[str, str]) -> None:
        self.requests = RequestLog()
        self.boot_seconds = 0.0
        self._process = process
        self._account_keys = dict(account_keys)
        self._endpoints: dict[StorageService, str] = {}
        self._services_by_port: dict[int, StorageService] = {}
        self._output: deque[str] = deque(maxlen=_KEPT_OUTPUT_LINES)
        self._settled = threading.Event()
        self._flush_lock = threading.Lock()
        self._flushed = threading.Event()
        self._reader = threading.Thread(target=self._read, name="azurite-output", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Azurite's own process id: Node runs the script without a shell or npm between."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process.poll() is None

    @property
    def output(self) -> str:
        """Azurite's last lines, without its requests."""
        return "\n".join(self._output)

    @property
    def accounts(self) -> Mapping[str, StorageAccount]:
        """The accounts by name."""
        return {name: self.account(name) for name in self._account_keys}

    def account(self, name: str) -> StorageAccount:
        """Endpoints and key of an account; KeyError if Azurite was started without it."""
        return StorageAccount(
            name=name,
            key=self._account_keys[name],
            blob_endpoint=f"{self._endpoints['blob']}/{name}",
            queue_endpoint=f"{self._endpoints['queue']}/{name}",
            table_endpoint=f"{self._endpoints['table']}/{name}",
        )

    def service_port(self, service: StorageService) -> int:
        """The loopback port of a service."""
        return int(self._endpoints[service].rsplit(":", 1)[1])

    def wait_until_listening(self, timeout_seconds: float) -> None:
        """Return when all three services listen; else end Azurite and raise AzuriteStartError."""
        self._settled.wait(timeout_seconds)
        if len(self._endpoints) < len(_SERVICES):
            self.stop()
            raise AzuriteStartError(
                f"Azurite did not listen within {timeout_seconds:g} s; starting it again may help. "
                f"Its output: {self.output}"
            )

    def flush_requests(self, timeout_seconds: float = 30.0) -> None:
        """Return when every request answered before this call is in `requests`. Raises TimeoutError.

        While it copies a large block Azurite stands still for seconds, on a busy machine for more than five.
        """
        with self._flush_lock:
            self._flushed.clear()
            stdin = cast("IO[str]", self._process.stdin)
            stdin.write("flush\n")
            stdin.flush()
            if not self._flushed.wait(timeout_seconds):
                raise TimeoutError(f"Azurite ({self.pid}) did not report its requests within {timeout_seconds:g} s")

    def stop(self) -> None:
        """End Azurite and wait for its end; a second call does nothing."""
        if self.is_running:
            self._process.terminate()
            try:
                self._process.wait(_STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._reader.join(_STOP_TIMEOUT_SECONDS)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _read(self) -> None:
        for line in cast("IO[str]", self._process.stdout):
            record = parse_line(line)
            if line.startswith(_FLUSHED):
                self._flushed.set()
            elif record is not None:
                self.requests.record(record, self._services_by_port[record["port"]])
            else:
                self._note(line.rstrip())
        self._settled.set()

    def _note(self, line: str) -> None:
        self._output.append(line)
        listening = _LISTENING.match(line)
        if listening is None:
            return
        service = cast("StorageService", listening[1].lower())
        self._endpoints[service] = listening[2]
        self._services_by_port[self.service_port(service)] = service
        if len(self._endpoints) == len(_SERVICES):
            self._settled.set()


def start_azurite(
    account_keys: Mapping[str, str],
    *,
    certificate: Certificate | None = None,
    oauth: bool = False,
    location: Path | None = None,
    cache: Path | None = None,
    timeout_seconds: float = 60.0,
) -> Azurite:
    """Start Azurite with the given accounts and return when it listens; it is installed first where it is missing.

    Data is in memory unless a folder is given as `location`. With `oauth` bearer tokens are accepted, which Azurite
    does over TLS only, so a certificate must be given. Raises AzuriteInstallError, AzuriteStartError.
    """
    if oauth and certificate is None:
        raise ValueError("Azurite accepts bearer tokens over TLS only: give a certificate with oauth")
    started_at = time.perf_counter()
    azurite = launch_azurite(
        install_azurite(cache), account_keys, certificate=certificate, oauth=oauth, location=location
    )
    azurite.wait_until_listening(timeout_seconds)
    azurite.boot_seconds = time.perf_counter() - started_at
    return azurite


def launch_azurite(
    installation: AzuriteInstallation,
    account_keys: Mapping[str, str],
    *,
    certificate: Certificate | None,
    oauth: bool,
    location: Path | None,
    orphaned_folder: Path | None = None,
) -> Azurite:
    """Start the process without waiting for it to listen; call `wait_until_listening` before anything else.

    If this process is killed, Azurite removes `orphaned_folder` on its way out.
    """
    process = subprocess.Popen(  # noqa: S603 - our own Node on our own pinned script
        _command(installation, certificate, oauth, location),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        cwd=installation.folder,
        env=_environment(installation, account_keys, certificate)
        | ({"FERRY_ORPHANED_FOLDER": str(orphaned_folder)} if orphaned_folder else {}),
        # Ctrl-C goes to the whole foreground group; Azurite must outlive the clean-up of the process that started it.
        start_new_session=True,
    )
    return Azurite(process, account_keys)


def _command(
    installation: AzuriteInstallation, certificate: Certificate | None, oauth: bool, location: Path | None
) -> list[str]:
    command = [str(installation.node), "--require", str(installation.observer), str(installation.script)]
    # The SDKs speak newer API versions than Azurite knows; the version check would answer 400 to them.
    command += ["--disableTelemetry", "--skipApiVersionCheck", "--silent", "--disableProductStyleUrl"]
    for service in _SERVICES:
        command += [f"--{service}Host", LOOPBACK, f"--{service}Port", "0"]
    # The two exclude each other.
    command += ["--inMemoryPersistence"] if location is None else ["--location", str(location.resolve())]
    if certificate is not None:
        command += ["--cert", str(certificate.certificate_path), "--key", str(certificate.key_path)]
    if oauth:
        command += ["--oauth", "basic"]
    return command


def _environment(
    installation: AzuriteInstallation, account_keys: Mapping[str, str], certificate: Certificate | None
) -> dict[str, str]:
    # Other AZURITE_ variables would switch it to a database, NODE_OPTIONS would load other people's scripts.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AZURITE_", "FERRY_")) and name not in ("NODE_OPTIONS", "NODE_EXTRA_CA_CERTS")
    }
    accounts = ";".join(f"{name}:{key}" for name, key in account_keys.items())
    environment = inherited | {"AZURITE_ACCOUNTS": accounts, "NODE_COMPILE_CACHE": str(installation.compile_cache)}
    if certificate is not None:
        # For a copy Azurite calls itself, and then Node's own trust store decides.
        environment["NODE_EXTRA_CA_CERTS"] = str(certificate.certificate_path)
    return environment
