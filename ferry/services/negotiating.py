"""Composition of the contract negotiations of a participant: engine and effects."""

from ferry.control_plane.engine import Engine
from ferry.control_plane.rules import NegotiationRules
from ferry.domain.contracts import ContractNegotiation
from ferry.domain.process import IntentKind
from ferry.effects.messages import AgreementKeeper, MessageSender
from ferry.services.outside import Outside
from ferry.settings import Settings


def negotiation_engine(settings: Settings, outside: Outside) -> Engine[ContractNegotiation]:
    """The engine of one participant's negotiations, in either role."""
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
