"""Composition of the contract negotiations of a participant: engine and effects."""

from ferry.control_plane.catalog import Catalog
from ferry.control_plane.engine import Engine
from ferry.control_plane.negotiations import NegotiationService
from ferry.control_plane.rules import NegotiationRules
from ferry.domain.contracts import ContractNegotiation
from ferry.domain.process import IntentKind
from ferry.effects.callbacks import CallbackSender
from ferry.effects.messages import AgreementKeeper, MessageSender
from ferry.services.outside import Outside
from ferry.settings import Settings


def negotiation_service(settings: Settings, outside: Outside, catalog: Catalog) -> NegotiationService:
    """The negotiations of one participant, in either role."""
    return NegotiationService(
        engine=_engine(settings, outside),
        catalog=catalog,
        participant_id=settings.participant_id,
        also_known_as=(settings.did,) if settings.identity == "signed" else (),
        manual=settings.negotiation == "manual",
    )


def _engine(settings: Settings, outside: Outside) -> Engine[ContractNegotiation]:
    sender = MessageSender(
        peer=outside.peer, vault=outside.vault, callback_url=settings.callback_url, dsp_url=settings.dsp_url
    )
    teller = CallbackSender(callbacks=outside.callbacks, vault=outside.vault, participant_id=settings.participant_id)
    keeper = AgreementKeeper(outside.agreements)
    return Engine[ContractNegotiation](
        kind="ContractNegotiation",
        store=outside.negotiations,
        queue=outside.queue,
        rules=NegotiationRules(),
        performers={
            IntentKind.SEND_MESSAGE: sender.send_for_negotiation,
            IntentKind.STORE_AGREEMENT: keeper.store,
            IntentKind.DROP_AGREEMENT: keeper.drop,
            IntentKind.NOTIFY_CALLBACK: teller.tell_of_negotiation,
        },
        clock=outside.clock,
        ids=outside.ids,
        limits=settings.limits,
        callbacks=settings.callbacks,
        janitor_seconds=settings.janitor_seconds,
    )
