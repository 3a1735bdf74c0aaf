"""Composition: settings and outside things become engines, use cases and endpoints. Nothing else knows everybody."""

from collections.abc import Callable
from dataclasses import dataclass

from ferry.api.dsp import DspApi
from ferry.api.signaling import SignalingApi
from ferry.control_plane.catalog import Catalog
from ferry.control_plane.engine import Engine
from ferry.control_plane.flows import EmbeddedDataPlane, FlowService
from ferry.control_plane.negotiations import NegotiationService
from ferry.control_plane.rules import FlowRules, NegotiationRules, TransferRules
from ferry.control_plane.transfers import TransferService
from ferry.data_plane.accounts import PUBLIC_ENDPOINT, AccountDirectory, KnownAccount
from ferry.data_plane.copy import CopyOptions, CopyRunner
from ferry.data_plane.provisioner import ObjectStorageProvisioner
from ferry.data_plane.verification import DeliveryVerifier
from ferry.domain.contracts import ContractNegotiation
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import FlowReport
from ferry.domain.faults import NotFound
from ferry.domain.process import IntentKind, JsonObject
from ferry.domain.transfer_process import TransferProcess
from ferry.effects.flows import Copying, FlowController, FlowNotifier
from ferry.effects.messages import AgreementKeeper, MessageSender
from ferry.effects.remote_data_plane import RemoteControlPlane, RemoteDataPlane
from ferry.ports import ControlPlane, DataPlane
from ferry.services.outside import Outside
from ferry.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The use cases of one participant, and the protocol's endpoints on top of them."""

    settings: Settings
    outside: Outside
    transfers: TransferService
    negotiations: NegotiationService
    flows: FlowService
    catalog: Catalog
    dsp: DspApi
    signaling: SignalingApi


def compose(settings: Settings, outside: Outside) -> Core:
    """Everything of one participant."""
    flows = _flow_service(settings, outside, lambda: transfers)
    transfers = _transfer_service(settings, outside, flows)
    catalog = Catalog(
        assets=outside.assets,
        policies=outside.policies,
        contract_definitions=outside.contract_definitions,
        clock=outside.clock,
    )
    negotiations = NegotiationService(
        engine=_negotiation_engine(settings, outside), catalog=catalog, participant_id=settings.participant_id
    )
    dsp = DspApi(
        participant_id=settings.participant_id,
        dsp_url=settings.dsp_url,
        identity=outside.identity,
        catalog=catalog,
        assets=outside.assets,
        agreements=outside.agreements,
        negotiations=negotiations,
        transfers=transfers,
        clock=outside.clock,
        check_peer_address=outside.allow,
    )
    signaling = SignalingApi(
        participant_id=settings.participant_id,
        identity=outside.identity,
        flows=flows,
        transfers=transfers,
        clock=outside.clock,
        check_peer_address=outside.allow,
    )
    return Core(
        settings=settings,
        outside=outside,
        transfers=transfers,
        negotiations=negotiations,
        flows=flows,
        catalog=catalog,
        dsp=dsp,
        signaling=signaling,
    )


def account_directory(settings: Settings, outside: Outside) -> AccountDirectory:
    """The storage accounts that the settings know, and the rule for all others."""
    known = [
        KnownAccount(
            name,
            told.endpoint or PUBLIC_ENDPOINT.format(account=name),
            None if told.use_identity or (settings.use_identity and not told.key_name) else told.key_name or name,
        )
        for name, told in settings.accounts.items()
    ]
    default_key_name = None if settings.use_identity else "{account}"
    return AccountDirectory(
        known, allow=outside.allow, default_key_name=default_key_name, setting="FERRY_STORAGE_ACCOUNTS"
    )


def public_endpoint(accounts: AccountDirectory) -> Callable[[str, str | None], str | None]:
    """What a peer has to be told of an account's endpoint: nothing where it is the public one."""

    def told(name: str, endpoint: str | None) -> str | None:
        found = accounts.endpoint(name, endpoint)
        return None if found == PUBLIC_ENDPOINT.format(account=name) else found

    return told


def _transfer_service(settings: Settings, outside: Outside, flows: FlowService) -> TransferService:
    accounts = account_directory(settings, outside)
    provisioner = ObjectStorageProvisioner(
        outside.storage, outside.vault, accounts=accounts, clock=outside.clock, sas_seconds=settings.limits.sas_seconds
    )
    sender = MessageSender(peer=outside.peer, vault=outside.vault, callback_url=settings.callback_url)
    controller = FlowController(
        plane=_data_plane(settings, outside, flows),
        callback_address=settings.control_url if settings.data_plane_url else None,
    )
    engine = Engine[TransferProcess](
        kind="TransferProcess",
        store=outside.transfers,
        queue=outside.queue,
        rules=TransferRules(),
        performers={
            IntentKind.PREPARE_DESTINATION: provisioner.prepare,
            IntentKind.REVOKE_ACCESS: provisioner.revoke,
            IntentKind.REMOVE_DESTINATION: provisioner.remove,
            IntentKind.SEND_MESSAGE: sender.send_for_transfer,
            IntentKind.ASK_PEER: sender.ask_about_transfer,
            IntentKind.VERIFY_DELIVERY: DeliveryVerifier(outside.storage, outside.vault, accounts=accounts).verify,
            IntentKind.START_DATA_FLOW: controller.start,
            IntentKind.CHECK_DATA_FLOW: controller.check,
            IntentKind.TERMINATE_DATA_FLOW: controller.terminate,
            IntentKind.DROP_SECRET: lambda process, _: _drop_secret(outside, process),
        },
        clock=outside.clock,
        ids=outside.ids,
        limits=settings.limits,
        janitor_seconds=settings.janitor_seconds,
    )
    return TransferService(
        engine=engine, agreements=outside.agreements, vault=outside.vault, public_endpoint=public_endpoint(accounts)
    )


def _drop_secret(outside: Outside, process: TransferProcess) -> JsonObject:
    if process.destination is not None:
        outside.vault.delete(process.destination.secret_name)
    return {}


def _negotiation_engine(settings: Settings, outside: Outside) -> Engine[ContractNegotiation]:
    sender = MessageSender(peer=outside.peer, vault=outside.vault, callback_url=settings.callback_url)
    keeper = AgreementKeeper(create=outside.agreements.create)
    return Engine[ContractNegotiation](
        kind="ContractNegotiation",
        store=outside.negotiations,
        queue=outside.queue,
        rules=NegotiationRules(),
        performers={
            IntentKind.SEND_MESSAGE: sender.send_for_negotiation,
            IntentKind.STORE_AGREEMENT: keeper.store,
        },
        clock=outside.clock,
        ids=outside.ids,
        limits=settings.limits,
        janitor_seconds=settings.janitor_seconds,
    )


def _data_plane(settings: Settings, outside: Outside, flows: FlowService) -> DataPlane:
    if settings.data_plane_url:
        return RemoteDataPlane(url=settings.data_plane_url, participant_id=settings.participant_id, peer=outside.peer)
    return EmbeddedDataPlane(flows=flows, queue=outside.queue)


def _flow_service(settings: Settings, outside: Outside, transfers: Callable[[], TransferService]) -> FlowService:
    runner = CopyRunner(
        outside.storage,
        outside.blobs,
        vault=outside.vault,
        accounts=account_directory(settings, outside),
        clock=outside.clock,
        options=CopyOptions(sas_grace_seconds=settings.sas_grace_seconds),
    )
    copying = Copying(runner=runner, engine=lambda: engine)
    told = _ToldControlPlane(RemoteControlPlane(peer=outside.peer), transfers, outside)
    engine = Engine[DataFlow](
        kind="DataFlow",
        store=outside.flows,
        queue=outside.queue,
        rules=FlowRules(),
        performers={
            IntentKind.COPY: copying.copy,
            IntentKind.NOTIFY_CONTROL_PLANE: FlowNotifier(control_plane=lambda: told).notify,
        },
        clock=outside.clock,
        ids=outside.ids,
        limits=settings.limits,
        janitor_seconds=settings.janitor_seconds,
    )
    return FlowService(engine=engine)


@dataclass(frozen=True, slots=True)
class _ToldControlPlane:
    """ports.ControlPlane: the one in this app, or the one that the flow's callback address names."""

    remote: ControlPlane
    transfers: Callable[[], TransferService]
    outside: Outside

    def report(self, flow: DataFlow, report: FlowReport) -> None:
        if flow.callback_address is not None:
            self.remote.report(flow, report)
            return
        try:
            handled = self.transfers().report(flow.id, report)
        except NotFound:
            return
        for look in handled.looks:
            self.outside.queue.send(look, delay_seconds=0)
