"""Management API of contract negotiations and agreements, of either role."""

from dataclasses import dataclass
from typing import Protocol

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.management.negotiation_orders import NegotiationOrders, step
from ferry.api.management.orders import CheckAddress, RepeatKey, begun, termination
from ferry.api.management.query import read_query
from ferry.api.management.search import ProcessSearch, search_definitions
from ferry.api.management.shapes import id_response, shown_agreement, shown_negotiation, shown_state
from ferry.control_plane.listing import Listing
from ferry.control_plane.negotiation_steps import ContractOrder
from ferry.control_plane.negotiations import HandledNegotiation, NegotiationService
from ferry.domain.contracts import ContractAgreement, ContractNegotiation
from ferry.domain.decision import Command, CommandKind
from ferry.domain.faults import NotFound
from ferry.domain.process import JsonObject
from ferry.domain.states import NEGOTIATION_CODES, NegotiationState
from ferry.ports.stores import Definitions


class BeginNegotiation(Protocol):
    """A use case that begins a negotiation."""

    def __call__(self, order: ContractOrder, *, inline_seconds: float) -> HandledNegotiation:
        """The negotiation, gone on with for so long."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NegotiationsApi:
    """`/management/v3/contractnegotiations`. `inline_seconds`: how long a call goes on with the process.

    The orders to take a step (offer, request, accept, agree, verify, finalize) are more than EDC has. Each is for what
    Ferry does not decide by itself, or, in manual mode, for every step.
    """

    negotiations: NegotiationService
    participant_id: str
    inline_seconds: float
    check_address: CheckAddress
    own_secrets: frozenset[str] = frozenset()

    def create(self, request: ApiRequest) -> ApiAnswer:
        """POST: ask a provider for an offer of its catalog."""
        return self._begin(self._orders.request(request), self.negotiations.initiate)

    def create_offer(self, request: ApiRequest) -> ApiAnswer:
        """POST /offers: offer an asset of ours to a consumer who has not asked."""
        return self._begin(self._orders.offer(request), self.negotiations.offer)

    def query(self, request: ApiRequest) -> ApiAnswer:
        """POST /request."""
        search = ProcessSearch(
            listing=Listing(engine=self.negotiations.engine),
            view=self._shown,
            codes={code: state.value for state, code in NEGOTIATION_CODES.items()},
        )
        return search.answer(read_query(request))

    def get(self, request: ApiRequest) -> ApiAnswer:
        """GET /{id}."""
        process = self._get(request)
        return ApiAnswer(200, shown_in_full(self.negotiations, process))

    def get_state(self, request: ApiRequest) -> ApiAnswer:
        """GET /{id}/state."""
        return ApiAnswer(200, shown_state("NegotiationState", self._get(request).state_name))

    def get_agreement(self, request: ApiRequest) -> ApiAnswer:
        """GET /{id}/agreement: 404 until there is one."""
        process = self._get(request)
        if process.agreement is None:
            raise NotFound("ContractAgreement", f"of negotiation {process.id}")
        return ApiAnswer(200, shown_agreement(process.agreement))

    def terminate(self, request: ApiRequest) -> ApiAnswer:
        """POST /{id}/terminate: 409 where it is over already."""
        return self._command(self._get(request), termination(request))

    def delete(self, request: ApiRequest) -> ApiAnswer:
        """DELETE /{id}: 409 where it is not TERMINATED, or the other side still has to be told."""
        self.negotiations.delete(self._get(request).id, ended=NegotiationState.TERMINATED.value)
        return ApiAnswer(204)

    def offer(self, request: ApiRequest) -> ApiAnswer:
        """POST /{id}/offer: answer a request with an offer, on the terms that the body gives or on our own."""
        return self._step(request, CommandKind.OFFER)

    def request(self, request: ApiRequest) -> ApiAnswer:
        """POST /{id}/request: answer an offer with a request, on the terms that the body gives or on our own."""
        return self._step(request, CommandKind.REQUEST)

    def accept(self, request: ApiRequest) -> ApiAnswer:
        """POST /{id}/accept: take the provider's offer."""
        return self._step(request, CommandKind.ACCEPT)

    def agree(self, request: ApiRequest) -> ApiAnswer:
        """POST /{id}/agree: agree to what the consumer asks for, or has accepted."""
        return self._step(request, CommandKind.AGREE)

    def verify(self, request: ApiRequest) -> ApiAnswer:
        """POST /{id}/verify: confirm the provider's agreement."""
        return self._step(request, CommandKind.VERIFY)

    def finalize(self, request: ApiRequest) -> ApiAnswer:
        """POST /{id}/finalize: close what the consumer has verified."""
        return self._step(request, CommandKind.FINALIZE)

    @property
    def _orders(self) -> NegotiationOrders:
        return NegotiationOrders(
            self.participant_id, self.negotiations.catalog.assets, self.check_address, self.own_secrets
        )

    def _begin(self, order: ContractOrder, begin: BeginNegotiation) -> ApiAnswer:
        key = RepeatKey(order.process_id, order.request_digest)
        handled = begun(key, lambda: begin(order, inline_seconds=self.inline_seconds))
        process = handled.process
        return ApiAnswer(200, id_response(process.id, process.created_at), looks=handled.looks)

    def _step(self, request: ApiRequest, kind: CommandKind) -> ApiAnswer:
        process = self._get(request)
        return self._command(process, step(request, process, kind))

    def _command(self, process: ContractNegotiation, command: Command) -> ApiAnswer:
        """204; 409 where the state does not allow it."""
        handled = self.negotiations.command(process.id, command, inline_seconds=self.inline_seconds)
        return ApiAnswer(204, looks=handled.looks)

    def _get(self, request: ApiRequest) -> ContractNegotiation:
        return self.negotiations.get(request.route.get("id", ""))

    def _shown(self, process: ContractNegotiation) -> JsonObject:
        return shown_negotiation(process)


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementsApi:
    """`/management/v3/contractagreements`."""

    agreements: Definitions[ContractAgreement]
    negotiations: NegotiationService

    def query(self, request: ApiRequest) -> ApiAnswer:
        """POST /request."""
        found = search_definitions(self.agreements, read_query(request), shown_agreement)
        return ApiAnswer(200, [shown_agreement(agreement) for agreement in found])

    def get(self, request: ApiRequest) -> ApiAnswer:
        """GET /{id}."""
        return ApiAnswer(200, shown_agreement(self._get(request)))

    def get_negotiation(self, request: ApiRequest) -> ApiAnswer:
        """GET /{id}/negotiation: 404 once the negotiation has left the store."""
        process = self.negotiations.get(self._get(request).negotiation_id)
        return ApiAnswer(200, shown_in_full(self.negotiations, process))

    def _get(self, request: ApiRequest) -> ContractAgreement:
        wanted_id = request.route.get("id", "")
        agreement = self.agreements.get(wanted_id)
        if agreement is None:
            raise NotFound("ContractAgreement", wanted_id)
        return agreement


def shown_in_full(negotiations: NegotiationService, process: ContractNegotiation) -> JsonObject:
    """A negotiation with all of its history."""
    moved = negotiations.engine.store.history(process.id) if process.history_moved else ()
    return shown_negotiation(process, moved_history=moved)
