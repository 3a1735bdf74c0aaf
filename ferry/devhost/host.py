"""The local host itself: loads one app, starts its listeners, serves until a signal comes."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from ferry.devhost.admin import host_status
from ferry.devhost.cors import allowed_origins, with_cors
from ferry.devhost.errors import AppLoadError, DevhostError
from ferry.devhost.functions import define_functions
from ferry.devhost.http_messages import Response, json_response
from ferry.devhost.http_server import AsgiApplication, HttpServer, bind
from ferry.devhost.logs import configure_logging, yield_to_app_handlers
from ferry.devhost.runtime import Runtime
from ferry.devhost.settings import HostConfig, apply_app_settings, host_id, load_host_config
from ferry.devhost.worker import Worker

if TYPE_CHECKING:
    import socket
    from pathlib import Path

    from ferry.devhost.http_messages import Request

logger = logging.getLogger("ferry.devhost")

THREAD_COUNT_SETTING = "PYTHON_THREADPOOL_THREAD_COUNT"
_DEFAULT_THREADS = "32"
_EXIT_SECONDS = 2.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class HostOptions:
    """How to run one app; `settings_file` defaults to local.settings.json of the app."""

    app_directory: Path
    port: int = 7071
    address: str = "127.0.0.1"
    auth: bool = False
    fail_fast: bool = False
    settings_file: Path | None = None
    ready_file: Path | None = None
    grace_seconds: float = 10.0

    def command(self) -> list[str]:
        """The command line that runs these options in a process of its own."""
        command = [sys.executable, "-m", "ferry.devhost", "--app", str(self.app_directory)]
        command += ["--port", str(self.port), "--address", self.address, "--grace", str(self.grace_seconds)]
        command += ["--auth"] if self.auth else []
        command += ["--fail-fast"] if self.fail_fast else []
        command += ["--settings", str(self.settings_file)] if self.settings_file else []
        command += ["--ready-file", str(self.ready_file)] if self.ready_file else []
        return command


def run_host(options: HostOptions) -> int:
    """Run an app until SIGTERM or SIGINT; returns the exit code. One app per process."""
    configure_logging()
    try:
        return asyncio.run(Host(options).run())
    except DevhostError as error:
        logger.error("%s", error)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


class Host:
    """One app on one port."""

    def __init__(self, options: HostOptions) -> None:
        self._options = options
        self._app_directory = options.app_directory.resolve()
        self._ready_file = options.ready_file.absolute() if options.ready_file else None
        self._settings_file = (options.settings_file or self._app_directory / "local.settings.json").absolute()
        self._config = HostConfig()
        self._runtime: Runtime | None = None
        self._host_id = ""
        self._origins: frozenset[str] = frozenset()
        self._address = ""
        self._server: HttpServer | None = None
        self._deadline = float("inf")
        self._announcing: asyncio.Task[None] | None = None

    async def run(self) -> int:
        """Bind, load the app, serve, stop; raises DevhostError when the port is taken or --fail-fast has a reason."""
        if self._ready_file is not None:
            # One that a killed host left behind would announce this one too early.
            self._ready_file.unlink(missing_ok=True)
        listening = bind(self._options.address, self._options.port)
        name = f"[{self._options.address}]" if ":" in self._options.address else self._options.address
        self._address = f"{name}:{listening.getsockname()[1]}"
        try:
            await self._load()
        except DevhostError as error:
            _report(error)
            if self._options.fail_fast:
                listening.close()
                return 1
            await self._serve_error(listening, str(error))
            return 0
        await self._serve(listening)
        return 0

    async def _load(self) -> None:
        if not self._app_directory.is_dir():
            raise DevhostError(f"There is no directory {self._app_directory}; give the app's directory with --app")
        if self._options.settings_file and not self._settings_file.exists():
            raise DevhostError(f"There is no settings file {self._settings_file}")
        apply_app_settings(self._settings_file, os.environ)
        # The real host runs an app in its own directory.
        os.chdir(self._app_directory)
        os.environ.setdefault(THREAD_COUNT_SETTING, _DEFAULT_THREADS)
        os.environ.setdefault("WEBSITE_HOSTNAME", self._address)
        os.environ.setdefault("AZURE_FUNCTIONS_ENVIRONMENT", "Development")
        self._config = load_host_config(self._app_directory)
        self._host_id = host_id(self._app_directory)
        self._origins = allowed_origins(os.environ)
        worker = Worker(self._app_directory)
        functions = define_functions(await worker.load())
        yield_to_app_handlers()
        self._runtime = Runtime(
            worker,
            functions,
            self._config,
            host_id=self._host_id,
            auth=self._options.auth,
        )

    async def _serve(self, listening: socket.socket) -> None:
        runtime = self._runtime
        if runtime is None:
            raise RuntimeError("the app was not loaded")
        runtime.start()
        handle = with_cors(runtime.handle, self._origins)
        await self._listen(listening, AsgiApplication(handle, body_limit_bytes=self._body_limit()))

    async def _serve_error(self, listening: socket.socket, message: str) -> None:
        async def answer(request: Request) -> Response:
            if request.raw_path.rstrip("/").lower() == "/admin/host/status":
                return json_response(host_status(self._host_id, [message]))
            return Response(HTTPStatus.SERVICE_UNAVAILABLE)

        await self._listen(listening, AsgiApplication(answer, body_limit_bytes=self._body_limit()))

    async def _listen(self, listening: socket.socket, application: AsgiApplication) -> None:
        self._server = HttpServer(
            application, on_listening=self._on_listening, grace_seconds=self._options.grace_seconds
        )
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self._stop, number)
        await self._server.serve(sockets=[listening])
        await self._drain()

    def _on_listening(self) -> None:
        self._announcing = asyncio.create_task(self._announce())

    async def _announce(self) -> None:
        if self._runtime is None:
            logger.info("in error on http://%s", self._address)
            return
        await asyncio.to_thread(self._runtime.wait_until_running)
        logger.info("ready on http://%s", self._address)
        if self._ready_file is not None:
            port = int(self._address.rsplit(":", 1)[1])
            partial = self._ready_file.with_name(self._ready_file.name + ".partial")
            partial.write_text(json.dumps({"port": port, "pid": os.getpid()}))
            partial.replace(self._ready_file)

    def _stop(self, number: int) -> None:
        server = self._server
        if server is None or server.should_exit:
            logger.warning("second signal, leaving at once")
            os._exit(128 + number)
        logger.info("stopping; work that runs has %g s", self._options.grace_seconds)
        if self._runtime is not None:
            self._runtime.stop()
        self._deadline = time.monotonic() + self._options.grace_seconds
        server.should_exit = True

    async def _drain(self) -> None:
        if self._ready_file is not None:
            self._ready_file.unlink(missing_ok=True)
        left = await asyncio.to_thread(self._runtime.drain, self._deadline) if self._runtime else 0
        logger.info("stopped")
        if left:
            logger.warning("%d invocations did not end in %g s and are cut off", left, self._options.grace_seconds)
        # The thread of a function that was cut off cannot be stopped, and the interpreter would wait for it.
        leave = threading.Timer(0.0 if left else _EXIT_SECONDS, _leave)
        leave.daemon = True
        leave.start()

    def _body_limit(self) -> int:
        return self._config.http.body_limit_bytes


def _leave() -> None:
    logging.shutdown()
    os._exit(0)


def _report(error: DevhostError) -> None:
    if isinstance(error, AppLoadError) and error.stack_trace:
        logger.error("the app could not be loaded: %s\n%s", error, error.stack_trace)
    else:
        logger.error("the app could not be loaded: %s", error)
