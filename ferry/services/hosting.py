"""Composition of what this app does as a data plane for a control plane: flows that it prepares, fetches and serves."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from ferry.api.pull import PullApi
from ferry.api.signaling import SignalingApi
from ferry.api.signaling_access import PlaneCallers
from ferry.api.signaling_plane import PlaneApi
from ferry.control_plane.engine import Engine
from ferry.control_plane.flows import FlowService
from ferry.control_plane.plane_flows import PlaneFlowRules, PlaneFlowService
from ferry.control_plane.transfers import TransferService
from ferry.data_plane.accounts import AccountDirectory
from ferry.data_plane.provisioner import ObjectStorageProvisioner
from ferry.data_plane.read_access import ReadAccess
from ferry.domain.plane_flow import PlaneFlow
from ferry.domain.process import Intent, IntentKind, JsonObject
from ferry.effects.plane_flows import PlaneAddresses, PlaneFlowEffects
from ferry.effects.registration import Registrar, Registration
from ferry.protocol.pull_tokens import RefreshProof
from ferry.services.accounts import account_directory, public_endpoint
from ferry.services.identities import dids_of, own_secrets
from ferry.services.outside import Outside
from ferry.services.planes import is_run_elsewhere
from ferry.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosting:
    """The flows of this plane, and what they are told and read by."""

    flows: PlaneFlowService
    addresses: PlaneAddresses
    access: ReadAccess
    accounts: AccountDirectory


def hosting(settings: Settings, outside: Outside, copies: FlowService) -> Hosting:
    """The flows of one data plane; `copies` copies what is fetched."""
    accounts = account_directory(settings, outside)
    access = ReadAccess(
        storage=outside.storage,
        vault=outside.vault,
        accounts=accounts,
        clock=outside.clock,
        sas_seconds=settings.limits.sas_seconds,
    )
    addresses = PlaneAddresses(
        vault=outside.vault, accounts=accounts, clock=outside.clock, pull_url=_pull_url(settings)
    )
    effects = PlaneFlowEffects(
        provisioner=ObjectStorageProvisioner(
            outside.storage,
            outside.vault,
            accounts=accounts,
            clock=outside.clock,
            sas_seconds=settings.limits.sas_seconds,
            participant_id=settings.participant_id,
        ),
        access=access,
        addresses=addresses,
        vault=outside.vault,
        flows=copies,
        queue=outside.queue,
        peer=outside.plane_peer,
    )
    engine = Engine[PlaneFlow](
        kind="PlaneFlow",
        store=outside.plane_flows,
        queue=outside.queue,
        rules=PlaneFlowRules(),
        performers=_performers(effects),
        clock=outside.clock,
        ids=outside.ids,
        limits=settings.limits,
        janitor_seconds=settings.janitor_seconds,
    )
    flows = PlaneFlowService(
        engine=engine, vault=outside.vault, erase=effects.erase, inline_seconds=settings.inline_seconds
    )
    return Hosting(flows=flows, addresses=addresses, access=access, accounts=accounts)


def _performers(effects: PlaneFlowEffects) -> dict[IntentKind, Callable[[PlaneFlow, Intent], JsonObject]]:
    """What does which intent of such a flow."""
    return {
        IntentKind.PREPARE_DESTINATION: effects.prepare,
        IntentKind.GRANT_ACCESS: effects.grant,
        IntentKind.REVOKE_ACCESS: effects.revoke,
        IntentKind.DROP_SECRET: effects.drop_secret,
        IntentKind.START_DATA_FLOW: effects.fetch,
        IntentKind.SUSPEND_DATA_FLOW: effects.suspend,
        IntentKind.RESUME_DATA_FLOW: effects.resume,
        IntentKind.TERMINATE_DATA_FLOW: effects.stop,
        IntentKind.NOTIFY_CONTROL_PLANE: effects.tell,
    }


def plane_callers(settings: Settings, outside: Outside) -> PlaneCallers:
    """Who may speak to the planes of this participant."""
    return PlaneCallers(
        participant_id=settings.participant_id,
        identity=outside.identity,
        mode=settings.signaling.mode,
        api_key=settings.signaling.key,
    )


def signaling_api(settings: Settings, outside: Outside, flows: FlowService, transfers: TransferService) -> SignalingApi:
    """Data Plane Signaling's endpoints of the copy engine's flows, and the way back to our control plane."""
    return SignalingApi(
        callers=plane_callers(settings, outside),
        vault=outside.vault,
        flows=flows,
        transfers=transfers,
        clock=outside.clock,
        check_peer_address=outside.allow,
        is_remote=partial(is_run_elsewhere, settings),
        own_secrets=own_secrets(settings),
    )


def plane_api(settings: Settings, hosted: Hosting, pushes: SignalingApi) -> PlaneApi:
    """Data Plane Signaling's endpoints."""
    return PlaneApi(
        pushes=pushes,
        flows=hosted.flows,
        addresses=hosted.addresses,
        plane_url=f"{settings.public_url}/api",
        callback=settings.signaling.control_plane_url,
        account=settings.destination_account,
        public_endpoint=public_endpoint(hosted.accounts),
    )


def pull_api(settings: Settings, outside: Outside, hosted: Hosting) -> PullApi:
    """Where served data are read."""
    proof = RefreshProof(
        documents=outside.key_documents,
        clock=outside.clock,
        dids=dids_of(settings),
        local_http=settings.allow_loopback,
    )
    return PullApi(
        flows=hosted.flows,
        addresses=hosted.addresses,
        access=hosted.access,
        proof=proof,
        clock=outside.clock,
    )


def _pull_url(settings: Settings) -> Callable[[str], str]:
    return lambda flow_id: f"{settings.public_url}/api/data/{quote(flow_id, safe=':')}"


def registration(settings: Settings, outside: Outside) -> Registration:
    """How this plane registers itself, where the settings say so."""
    told, registrar = settings.signaling.register_at, None
    if told is not None and "dataplane" in settings.roles:
        registrar = Registrar(
            url=told.url,
            dialect=told.dialect,
            plane_id=told.plane_id or f"ferry-{settings.participant_id}",
            plane_url=f"{settings.public_url}/api",
            key_name=told.key_name,
        )
    return Registration(registrar=registrar, callbacks=outside.callbacks, vault=outside.vault, clock=outside.clock)
