"""The use cases of a contract negotiation: begin, offer, accept, receive, look, command. No JSON, no HTTP."""

import uuid
from dataclasses import dataclass, replace
from typing import override

from ferry.control_plane import negotiation_consumer, negotiation_provider
from ferry.control_plane.catalog import Catalog, OfferVerdict
from ferry.control_plane.engine import Handled
from ferry.control_plane.negotiation_steps import ContractOrder, offer_in, target_in
from ferry.control_plane.process_service import ProcessService
from ferry.domain.contracts import ContractNegotiation, ContractOffer
from ferry.domain.decision import Received
from ferry.domain.faults import AlreadyExists
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.policy import PURPOSE

PEER_NAMESPACE = uuid.UUID("8e5f6d0c-6c5d-5d1c-8d6f-5b1f0f3f0c1e")

type HandledNegotiation = Handled[ContractNegotiation]


def provider_pid_of(peer_id: str, consumer_pid: str) -> str:
    """The provider's id for a consumer's negotiation: the same request always gets the same one."""
    return str(uuid.uuid5(PEER_NAMESPACE, f"negotiation\n{peer_id}\n{consumer_pid}"))


def consumer_pid_of(peer_id: str, provider_pid: str) -> str:
    """The consumer's id for a negotiation that a provider begins: the same offer always gets the same one."""
    return str(uuid.uuid5(PEER_NAMESPACE, f"offer\n{peer_id}\n{provider_pid}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class NegotiationService(ProcessService[ContractNegotiation]):
    """Negotiations of one participant, in either role.

    `also_known_as`: names beside `participant_id` by which a provider may call us in an agreement. `manual`: each step
    of ours waits for an order; a negotiation keeps to what held when it began.
    """

    catalog: Catalog
    participant_id: str
    also_known_as: tuple[str, ...] = ()
    manual: bool = False

    def initiate(self, order: ContractOrder, *, inline_seconds: float) -> HandledNegotiation:
        """Ask a provider for an offer, as consumer. The same order under the same id is answered like the first."""
        process = negotiation_consumer.initiate(self._ours(order), self.engine.moment())
        return self._begun_by_client(process, inline_seconds)

    def offer(self, order: ContractOrder, *, inline_seconds: float) -> HandledNegotiation:
        """Offer something to a consumer who has not asked, as provider. Repeated like `initiate`."""
        moment = self.engine.moment()
        named = replace(order, offer_id=order.offer_id or moment.ids.fresh())
        process = negotiation_provider.offer(self._ours(named), moment)
        return self._begun_by_client(process, inline_seconds)

    def accept(self, order: ContractOrder) -> HandledNegotiation:
        """A consumer's request for an offer, as provider: agreed to if the offer is ours and its policy holds.

        With `manual` a client decides about every request for an offer that the consumer may have, on whatever terms.
        Raises AlreadyExists where the same consumer pid came with another body.
        """
        existing = self._repeated(order)
        if existing is not None:
            return self.engine.found(existing)
        return self._begun_by_peer(order, self._judged(self._ours(order)))

    def take_offer(self, order: ContractOrder) -> HandledNegotiation:
        """A provider's offer that nobody has asked for, as consumer: it waits for a client.

        Raises AlreadyExists where the same provider pid came with another body.
        """
        existing = self._repeated(order)
        if existing is not None:
            return self.engine.found(existing)
        process = negotiation_consumer.offered(self._ours(order), self.engine.moment())
        return self._begun_by_peer(order, process)

    @override
    def receive(self, process_id: str, role: Role | None, peer_id: str, received: Received) -> HandledNegotiation:
        """Apply a peer's message; never sends anything.

        Raises NotFound (also for somebody else's process), IllegalTransition.
        """
        if received.kind is MessageKind.CONTRACT_REQUEST and not self.manual:
            received = self._known_to_be_ours(peer_id, received)
        return ProcessService[ContractNegotiation].receive(self, process_id, role, peer_id, received)

    def _ours(self, order: ContractOrder) -> ContractOrder:
        names = dict.fromkeys((self.participant_id, *self.also_known_as, *order.participant_ids))
        return replace(order, participant_ids=tuple(names), manual=self.manual)

    def _judged(self, order: ContractOrder) -> ContractNegotiation:
        moment = self.engine.moment()
        asked = ContractOffer(order.offer_id, order.policy)
        verdict = self._verdict(order.counter_party_id, order.asset_id, asked, order.purpose)
        if verdict.fault is None or (order.manual and verdict.asset_id):
            ours = replace(order, policy=verdict.policy, asset_id=verdict.asset_id)
            if verdict.fault is None:
                return negotiation_provider.accept(ours, moment)
            return negotiation_provider.weigh(ours, asked, moment)
        return negotiation_provider.reject(order, verdict.fault, moment)

    def _known_to_be_ours(self, peer_id: str, received: Received) -> Received:
        """A request in answer to an offer, with the policy of ours where it asks for another offer of our catalog."""
        stated = received.content.get(PURPOSE)
        purpose = stated if isinstance(stated, str) else None
        verdict = self._verdict(peer_id, target_in(received.content), offer_in(received.content), purpose)
        if verdict.fault is not None:
            return received
        return replace(received, content={**received.content, negotiation_provider.OUR_POLICY: verdict.policy})

    def _verdict(self, peer_id: str, asset_id: str, asked: ContractOffer, purpose: str | None) -> OfferVerdict:
        return self.catalog.judge_offer(peer_id, asked.id, asset_id, asked.policy, purpose=purpose)

    def _begun_by_client(self, process: ContractNegotiation, inline_seconds: float) -> HandledNegotiation:
        try:
            with self.slots.budget(inline_seconds) as seconds:
                return self.engine.begin(process, budget_seconds=seconds)
        except AlreadyExists:
            existing = self.engine.load(process.id)
            if existing.request_digest != process.request_digest or not process.request_digest:
                raise
            return self.engine.found(existing)

    def _begun_by_peer(self, order: ContractOrder, process: ContractNegotiation) -> HandledNegotiation:
        try:
            return self.engine.begin(process)
        except AlreadyExists:
            return self.engine.found(self._repeated(order) or process)

    def _repeated(self, order: ContractOrder) -> ContractNegotiation | None:
        """The negotiation that this very request or offer has begun before."""
        if order.process_id is None:
            return None
        record = self.engine.store.load(order.process_id)
        if record is None:
            return None
        if record.document.request_digest != order.request_digest:
            pid = "consumerPid" if record.document.role is Role.PROVIDER else "providerPid"
            raise AlreadyExists(self.engine.kind, order.process_id, f"the same {pid} came with another body")
        return record.document
