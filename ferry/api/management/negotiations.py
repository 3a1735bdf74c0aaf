"""Management API of contract negotiations and agreements, of either role."""

from dataclasses import dataclass

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.management.body import BodyReader, load_body
from ferry.api.management.odrl import read_policy
from ferry.api.management.orders import (
    CheckAddress,
    RepeatKey,
    begun,
    read_counter_party_address,
    refuse_callbacks,
    repeat_key,
    termination,
)
from ferry.api.management.query import ProcessSearch, read_query, search_definitions
from ferry.api.management.shapes import id_response, shown_agreement, shown_negotiation, shown_state
from ferry.control_plane.listing import Listing
from ferry.control_plane.negotiation_decisions import ContractOrder
from ferry.control_plane.negotiations import NegotiationService
from ferry.domain.contracts import ContractAgreement, ContractNegotiation
from ferry.domain.faults import NotFound
from ferry.domain.process import JsonObject
from ferry.domain.states import NEGOTIATION_CODES
from ferry.ports import Definitions
from ferry.protocol.negotiation_messages import policy_of
from ferry.telemetry import trace_parent


@dataclass(frozen=True, slots=True, kw_only=True)
class NegotiationsApi:
    """`/management/v3/contractnegotiations`. `inline_seconds`: how long a call goes on with the process."""

    negotiations: NegotiationService
    participant_id: str
    inline_seconds: float
    check_address: CheckAddress

    def create(self, request: ApiRequest) -> ApiAnswer:
        """POST: ask a provider for an offer of its catalog."""
        order = self._order(request)
        key = RepeatKey(order.process_id, order.request_digest)
        handled = begun(key, lambda: self.negotiations.initiate(order, inline_seconds=self.inline_seconds))
        process = handled.process
        return ApiAnswer(200, id_response(process.id, process.created_at), looks=handled.looks)

    def query(self, request: ApiRequest) -> ApiAnswer:
        """POST /request."""
        search = ProcessSearch(
            listing=Listing(engine=self.negotiations.engine),
            view=self._shown,
            codes={code: state.value for state, code in NEGOTIATION_CODES.items()},
        )
        return ApiAnswer(200, [self._shown(process) for process in search.page(read_query(request))])

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
        command = termination(request)
        handled = self.negotiations.command(self._get(request).id, command, inline_seconds=self.inline_seconds)
        return ApiAnswer(204, looks=handled.looks)

    def _get(self, request: ApiRequest) -> ContractNegotiation:
        return self.negotiations.get(request.route.get("id", ""))

    def _shown(self, process: ContractNegotiation) -> JsonObject:
        return shown_negotiation(process)

    def _order(self, request: ApiRequest) -> ContractOrder:
        body = load_body(request)
        reader = BodyReader(body)
        address = read_counter_party_address(reader, self.check_address)
        refuse_callbacks(reader)
        raw = reader.object("policy", required=True)
        policy = reader.collect(lambda: read_policy(raw)) if raw else None
        offer = BodyReader(policy or {}, "policy")
        offer_id, asset_id = offer.text("@id"), offer.text("target")
        counter_party_id = self._counter_party_id(reader, offer)
        key = (
            reader.collect(
                lambda: repeat_key(request, body, participant_id=self.participant_id, kind="ContractNegotiation")
            )
            or RepeatKey()
        )
        reader.faults.extend(offer.faults if policy is not None else ())
        reader.finish()
        return ContractOrder(
            process_id=key.process_id,
            counter_party_id=counter_party_id,
            counter_party_address=address,
            offer_id=offer_id,
            asset_id=asset_id,
            policy=policy_of(policy or {}),
            request_digest=key.digest,
            trace_parent=trace_parent.get(),
        )

    def _counter_party_id(self, reader: BodyReader, offer: BodyReader) -> str:
        """Who is asked: the offer's assigner; clients also name it beside the policy."""
        assigner = offer.text("assigner", required=False)
        stated = next((name for name in ("counterPartyId", "connectorId", "providerId") if reader.has(name)), "")
        named = reader.text(stated, required=False) if stated else ""
        if not assigner and not named:
            offer.fault("assigner", "is required: the id of the participant who offers")
        if assigner and named and assigner != named:
            reader.fault(stated, f"is not the assigner of the offer, {assigner!r}", named)
        return assigner or named


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementsApi:
    """`/management/v3/contractagreements`."""

    agreements: Definitions[ContractAgreement]
    negotiations: NegotiationService

    def query(self, request: ApiRequest) -> ApiAnswer:
        """POST /request."""
        found = search_definitions(self.agreements, read_query(request))
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
