"""Composition of the transfers of a participant: engine, effects, data plane."""

from ferry.control_plane.engine import Engine
from ferry.control_plane.flows import EmbeddedDataPlane, FlowService
from ferry.control_plane.rules import TransferRules
from ferry.control_plane.transfers import TransferService
from ferry.data_plane.provisioner import ObjectStorageProvisioner
from ferry.data_plane.verification import DeliveryVerifier
from ferry.domain.process import IntentKind, JsonObject
from ferry.domain.transfer_process import TransferProcess
from ferry.effects.flows import FlowController
from ferry.effects.messages import MessageSender
from ferry.effects.remote_data_plane import RemoteDataPlane
from ferry.ports import DataPlane
from ferry.services.accounts import account_directory, public_endpoint
from ferry.services.outside import Outside
from ferry.settings import Settings


def transfer_service(settings: Settings, outside: Outside, flows: FlowService) -> TransferService:
    """The transfers of one participant, in either role."""
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


def _data_plane(settings: Settings, outside: Outside, flows: FlowService) -> DataPlane:
    if settings.data_plane_url:
        return RemoteDataPlane(url=settings.data_plane_url, participant_id=settings.participant_id, peer=outside.peer)
    return EmbeddedDataPlane(flows=flows, queue=outside.queue)
