"""Composition of the transfers of a participant: engine, effects, data plane."""

from collections.abc import Mapping
from functools import partial

from ferry.control_plane.data_planes import DataPlanes
from ferry.control_plane.engine import Engine, Performer
from ferry.control_plane.flows import FlowService
from ferry.control_plane.progress_events import is_wanted
from ferry.control_plane.rules import TransferRules
from ferry.control_plane.transfers import TransferService
from ferry.data_plane.accounts import AccountDirectory
from ferry.data_plane.provisioner import ObjectStorageProvisioner
from ferry.data_plane.verification import DeliveryVerifier
from ferry.domain.process import IntentKind, JsonObject
from ferry.domain.transfer_process import TransferProcess
from ferry.effects.callbacks import CallbackSender
from ferry.effects.delivery import DeliveryCheck
from ferry.effects.flows import FlowController
from ferry.effects.messages import MessageSender
from ferry.effects.prepared_flows import ByRole, PreparedFlows
from ferry.effects.progress import ProgressReader
from ferry.effects.progress_news import ProgressNews
from ferry.effects.renewal import AddressRenewal
from ferry.services.accounts import account_directory, public_endpoint
from ferry.services.outside import Outside
from ferry.services.planes import plane_of, remote_plane_of
from ferry.settings import Settings


def transfer_service(
    settings: Settings, outside: Outside, *, flows: FlowService, planes: DataPlanes, progress: ProgressReader
) -> TransferService:
    """The transfers of one participant, in either role."""
    accounts = account_directory(settings, outside)
    engine = Engine[TransferProcess](
        kind="TransferProcess",
        store=outside.transfers,
        queue=outside.queue,
        rules=TransferRules(settings.callbacks),
        performers=_performers(settings, outside, flows=flows, planes=planes, accounts=accounts, progress=progress),
        clock=outside.clock,
        ids=outside.ids,
        limits=settings.limits,
        callbacks=settings.callbacks,
        janitor_seconds=settings.janitor_seconds,
    )
    return TransferService(
        engine=engine, agreements=outside.agreements, vault=outside.vault, public_endpoint=public_endpoint(accounts)
    )


def _performers(
    settings: Settings,
    outside: Outside,
    *,
    flows: FlowService,
    planes: DataPlanes,
    accounts: AccountDirectory,
    progress: ProgressReader,
) -> Mapping[IntentKind, Performer[TransferProcess]]:
    provisioner = ObjectStorageProvisioner(
        outside.storage,
        outside.vault,
        accounts=accounts,
        clock=outside.clock,
        sas_seconds=settings.limits.sas_seconds,
        participant_id=settings.participant_id,
    )
    verifier = DeliveryVerifier(outside.storage, outside.vault, accounts=accounts)
    sender = MessageSender(peer=outside.peer, vault=outside.vault, callback_url=settings.callback_url)
    wants = partial(is_wanted, static=settings.callbacks)
    news = ProgressNews(reader=progress, wants=wants)
    delivery = DeliveryCheck(verifier.verify, provisioner.revoke)
    plane = plane_of(settings, outside, planes, flows)
    controller = FlowController(plane_of=plane, vault=outside.vault, wants_progress=wants)
    prepared = PreparedFlows(
        plane_of=remote_plane_of(settings, outside, planes),
        vault=outside.vault,
        callback_address=settings.control_url,
    )
    flow_work = ByRole(controller, prepared)
    teller = CallbackSender(callbacks=outside.callbacks, vault=outside.vault, participant_id=settings.participant_id)
    return {
        IntentKind.PREPARE_DESTINATION: provisioner.prepare,
        IntentKind.REVOKE_ACCESS: provisioner.revoke,
        IntentKind.REMOVE_DESTINATION: provisioner.remove,
        IntentKind.SEND_MESSAGE: sender.send_for_transfer,
        IntentKind.RENEW_ADDRESS: AddressRenewal(peer=outside.peer, vault=outside.vault).renew,
        IntentKind.EXTEND_ACCESS: provisioner.extend,
        IntentKind.ASK_PEER: news.with_question(sender.ask_about_transfer),
        IntentKind.VERIFY_DELIVERY: news.with_check(delivery.check),
        IntentKind.PREPARE_DATA_FLOW: prepared.prepare,
        IntentKind.START_DATA_FLOW: flow_work.start,
        IntentKind.CHECK_DATA_FLOW: flow_work.check,
        IntentKind.SUSPEND_DATA_FLOW: flow_work.suspend,
        IntentKind.RESUME_DATA_FLOW: flow_work.resume,
        IntentKind.COMPLETE_DATA_FLOW: controller.complete,
        IntentKind.TERMINATE_DATA_FLOW: controller.terminate,
        IntentKind.DROP_SECRET: lambda process, _: _drop_secret(outside, process),
        IntentKind.NOTIFY_CALLBACK: teller.tell_of_transfer,
    }


def _drop_secret(outside: Outside, process: TransferProcess) -> JsonObject:
    """The SAS of a push, or the data address of a pull."""
    name = process.destination.secret_name if process.destination is not None else process.address_secret
    if name is not None:
        outside.vault.delete(name)
    return {}
