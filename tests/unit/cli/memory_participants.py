"""The command line before two participants in memory: its requests reach their management API, no network."""

import json
from dataclasses import dataclass, field

import httpx2
import pytest
from typer.testing import CliRunner, Result

from ferry.cli import session
from ferry.cli.main import app
from ferry.cli.management import ManagementClient
from ferry.cli.profiles import Profile
from tests.unit.api.client import API_KEY, Client, client_of
from tests.world.participants import Pair, make_pair

HEALTH: dict[str, object] = {"status": "ready", "faults": []}


class MemoryTransport(httpx2.BaseTransport):
    """Hands requests to the API; afterwards both sides work until nothing is left to do, unless they are `held`."""

    def __init__(self, pair: Pair, client: Client) -> None:
        self._pair = pair
        self._client = client
        self.is_held = False
        self.asked: list[str] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.raw_path.decode().removeprefix("/api/")
        self.asked.append(f"{request.method} {path}")
        if path.startswith("health/"):
            return httpx2.Response(200, json=HEALTH, request=request)
        try:
            answer = self._client.call(request.method, path, request.read() or None, dict(request.headers))
        except AssertionError:
            return httpx2.Response(404, request=request)
        if not self.is_held:
            self._pair.drain()
        content = b"" if answer.body is None else json.dumps(answer.body).encode()
        return httpx2.Response(answer.status, content=content, headers=dict(answer.headers), request=request)


@dataclass(slots=True)
class CommandLine:
    """Runs commands as profile `consumer` (the default one) or `provider`."""

    pair: Pair
    transports: dict[str, MemoryTransport]
    environment: dict[str, str] = field(default_factory=dict[str, str])

    def run(self, *arguments: str) -> Result:
        """One command."""
        return CliRunner().invoke(app, list(arguments), env=self.environment, prog_name="ferry")

    def json(self, *arguments: str, code: int = 0) -> object:
        """The document that a command prints with `--output json`."""
        result = self.run(*arguments, "--output", "json")
        assert result.exit_code == code, (result.exit_code, result.stdout, result.stderr)
        return json.loads(result.stdout)


def command_line(monkeypatch: pytest.MonkeyPatch, config: str) -> CommandLine:
    """A command line whose profiles, in the file `config`, are the two participants of a pair in memory."""
    pair = make_pair(blobs={"data/one.txt": b"one", "data/two.txt": b"two two"})
    transports = {
        f"http://{name}.localhost": MemoryTransport(pair, client_of(side))
        for name, side in zip(("consumer", "provider"), pair.both, strict=True)
    }

    def new_client(profile: Profile) -> ManagementClient:
        headers = {name: value.reveal() for name, value in profile.headers.items()}
        return ManagementClient(profile.management_url, headers=headers, transport=transports[profile.app_url])

    monkeypatch.setattr(session, "new_client", new_client)
    monkeypatch.setattr("ferry.cli.doctor.remote.new_client", new_client)
    for name in ("FERRY_URL", "FERRY_PROFILE", "FERRY_API_KEY", "FERRY_TOKEN", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    return CommandLine(pair, transports, {"FERRY_CONFIG": config, "TEST_KEY": API_KEY, "COLUMNS": "200"})
