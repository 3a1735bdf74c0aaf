"""What the kit is run against: emulators, one participant under devhost as it is deployed, the fixture beside it."""

import json
import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ferry.cli.environment import ParticipantSettings, merged
from ferry.cli.hosts import HostKind
from ferry.cli.launching import start_emulators
from ferry.cli.management import ManagementClient
from ferry.cli.participants import ParticipantProcess, RunPlace
from ferry.cli.watchdog import Watchdog
from ferry.emulators.loopback_server import LoopbackServer, Request, Response
from ferry.emulators.vault_access import seed_account_keys
from tests.tck.fixture import EVENTS, HOOKS, PLANE, Fixture
from tests.tck.kit import Target
from tests.tck.pilot import Pilot
from tests.tck.plane import PullPlane
from tests.tck.seed import seed

PARTICIPANT = "ferry"


@dataclass(slots=True)
class _Fronting:
    """The fixture's address is needed before there is anything behind it."""

    fixture: Fixture | None = None

    def answer(self, request: Request) -> Response:
        return Response(503) if self.fixture is None else self.fixture.answer(request)


def open_stage(exits: ExitStack, *, folder: Path, watchdog: Watchdog) -> Target:
    """Everything started and seeded; it ends with `exits`. Raises CommandFailed and ManagementError."""
    emulators = exits.enter_context(start_emulators((PARTICIPANT,), https=False, oauth=False))
    resources = emulators.participants[PARTICIPANT]
    seed_account_keys(resources)
    front = _Fronting()
    server = LoopbackServer(front.answer)
    exits.callback(server.close)
    environment = _settings(server.url)
    settings = ParticipantSettings(resources=resources, host_id=PARTICIPANT, api_key=secrets.token_urlsafe(24))
    place = RunPlace(HostKind.DEVHOST, folder, watchdog)
    process = ParticipantProcess(PARTICIPANT, settings, place=place, environment=environment)
    exits.callback(process.stop)
    process.start()
    process.wait_until_ready()
    management = exits.enter_context(ManagementClient(process.management_url, process.api_key))
    front.fixture = _fixture(process, management)
    whole = merged(settings.environment(process.url), environment)
    seed(management, whole, account=resources.data_storage.name, plane_url=server.url + PLANE)
    return Target(participant_id=PARTICIPANT, protocol_url=process.protocol_url, initiate_url=server.url + HOOKS)


def _fixture(process: ParticipantProcess, management: ManagementClient) -> Fixture:
    plane = PullPlane(json.dumps({"region": "any", "audience": process.url, "clientId": PARTICIPANT}))
    return Fixture(management, Pilot(management, plane.finish), plane)


def _settings(fixture_url: str) -> Mapping[str, str]:
    """What the kit needs the participant to be told: nothing is decided by itself, every event is told the fixture."""
    callback = {"uri": fixture_url + EVENTS, "events": ["contract.negotiation", "transfer.process"]}
    return {
        "FERRY_IDENTITY": "mock",
        "FERRY_NEGOTIATION": "manual",
        "FERRY_CALLBACKS": json.dumps([{**callback, "transactional": False}]),
    }
