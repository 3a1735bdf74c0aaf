"""The use cases of a contract negotiation: begin, accept, receive, look, terminate. No JSON, no HTTP."""

import uuid
from dataclasses import dataclass, replace

from ferry.control_plane import negotiation_decisions
from ferry.control_plane.catalog import Catalog, OfferVerdict
from ferry.control_plane.engine import Handled
from ferry.control_plane.negotiation_decisions import ContractOrder
from ferry.control_plane.process_service import ProcessService
from ferry.domain.contracts import ContractNegotiation
from ferry.domain.faults import AlreadyExists

PEER_NAMESPACE = uuid.UUID("8e5f6d0c-6c5d-5d1c-8d6f-5b1f0f3f0c1e")

type HandledNegotiation = Handled[ContractNegotiation]


def provider_pid_of(peer_id: str, consumer_pid: str) -> str:
    """The provider's id for a consumer's negotiation: the same request always gets the same one."""
    return str(uuid.uuid5(PEER_NAMESPACE, f"negotiation\n{peer_id}\n{consumer_pid}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class NegotiationService(ProcessService[ContractNegotiation]):
    """Negotiations of one participant, in either role."""

    catalog: Catalog
    participant_id: str

    def initiate(self, order: ContractOrder, *, inline_seconds: float) -> HandledNegotiation:
        """Ask a provider for an offer, as consumer. The same order under the same id is answered like the first."""
        process = negotiation_decisions.initiate(order, self.engine.moment())
        try:
            with self.slots.budget(inline_seconds) as seconds:
                return self.engine.begin(process, budget_seconds=seconds)
        except AlreadyExists:
            existing = self.engine.load(process.id)
            if existing.request_digest != order.request_digest or not order.request_digest:
                raise
            return self.engine.found(existing)

    def accept(self, order: ContractOrder) -> HandledNegotiation:
        """A consumer's request for an offer, as provider: agreed to if the offer is ours and its policy holds.

        Raises AlreadyExists where the same consumer pid came with another body.
        """
        existing = self._repeated(order)
        if existing is not None:
            return self.engine.found(existing)
        verdict: OfferVerdict = self.catalog.judge_offer(
            order.counter_party_id, order.offer_id, order.asset_id, order.policy
        )
        moment = self.engine.moment()
        if verdict.fault is not None:
            process = negotiation_decisions.reject(order, verdict.fault, moment)
        else:
            agreed = replace(order, policy=verdict.policy, asset_id=verdict.asset_id)
            process = negotiation_decisions.accept(agreed, self.participant_id, moment)
        try:
            return self.engine.begin(process)
        except AlreadyExists:
            return self.engine.found(self._repeated(order) or process)

    def _repeated(self, order: ContractOrder) -> ContractNegotiation | None:
        """The negotiation that this very request has begun before."""
        if order.process_id is None:
            return None
        record = self.engine.store.load(order.process_id)
        if record is None:
            return None
        if record.document.request_digest != order.request_digest:
            raise AlreadyExists(self.engine.kind, order.process_id, "the same consumerPid came with another body")
        return record.document
