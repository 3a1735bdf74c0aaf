"""The negotiation's endpoints, of both roles.

What is not allowed in the state of a negotiation is answered with 409, where the specification has 400: it is EDC's
answer, it tells a state that may pass from a message that never fits, and a sender that tries again after a refusal (as
ours does) tries after a 409, not after a 400.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ferry.api.dsp import requests
from ferry.api.dsp.answers import ErrorBody, PeerEndpoint
from ferry.api.http import ApiAnswer, ApiRequest
from ferry.control_plane.engine import Handled
from ferry.control_plane.negotiations import NegotiationService, consumer_pid_of, provider_pid_of
from ferry.domain.contracts import ContractNegotiation
from ferry.domain.faults import InvalidInput
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import Json
from ferry.domain.states import NegotiationState
from ferry.protocol import envelope, messages, negotiation_messages
from ferry.protocol.reader import load


@dataclass(frozen=True, slots=True, kw_only=True)
class NegotiationEndpoint:
    """Negotiations with peers. `check_peer_address` is the egress guard; a role of None is the one of the process.

    `parties` gives the names of a peer, or our own for None: participant id and, where it has one, DID.
    """

    peers: PeerEndpoint
    negotiations: NegotiationService
    check_peer_address: Callable[[str], None]
    parties: Callable[[str | None], frozenset[str]]

    def request(self, request: ApiRequest) -> ApiAnswer:
        """POST /negotiations/request: a consumer wants an offer of ours."""
        return self.peers.answered(request, self._errors(request, Role.PROVIDER), self._request)

    def offer(self, request: ApiRequest) -> ApiAnswer:
        """POST /negotiations/offers: a provider offers what nobody has asked for."""
        return self.peers.answered(request, self._errors(request, Role.CONSUMER), self._offer)

    def get(self, request: ApiRequest, role: Role | None) -> ApiAnswer:
        """GET /negotiations/{pid}."""

        def answer(request: ApiRequest, peer_id: str) -> ApiAnswer:
            found = self.negotiations.get(request.route.get("pid", ""), role=role, peer_id=peer_id)
            return ApiAnswer(200, negotiation_messages.contract_negotiation(found))

        return self.peers.answered(request, self._errors(request, role), answer)

    def message(self, request: ApiRequest, role: Role | None, *kinds: MessageKind) -> ApiAnswer:
        """POST /negotiations/{pid}/…: a message about a negotiation that we know."""

        def answer(request: ApiRequest, peer_id: str) -> ApiAnswer:
            received = messages.parse(load(request.body), *kinds)
            missing = [pid for pid in ("consumerPid", "providerPid") if pid not in received.content]
            if missing:
                raise InvalidInput.at(missing[0], "is required in a message about a negotiation that has begun")
            handled = self.negotiations.receive(request.route.get("pid", ""), role, peer_id, received)
            return _answer(200, handled.process, handled)

        return self.peers.answered(request, self._errors(request, role), answer)

    def _request(self, request: ApiRequest, peer_id: str) -> ApiAnswer:
        received = messages.parse(load(request.body), MessageKind.CONTRACT_REQUEST)
        requests.check_parties(received, assigner=self.parties(None), assignee=self.parties(peer_id))
        order = requests.contract_order(received, peer_id)
        self.check_peer_address(order.counter_party_address)
        handled = self.negotiations.accept(order)
        return _answer(201, replace(handled.process, state=NegotiationState.REQUESTED), handled)

    def _offer(self, request: ApiRequest, peer_id: str) -> ApiAnswer:
        order = requests.offered_order(messages.parse(load(request.body), MessageKind.CONTRACT_OFFER), peer_id)
        self.check_peer_address(order.counter_party_address)
        handled = self.negotiations.take_offer(order)
        return _answer(201, replace(handled.process, state=NegotiationState.OFFERED), handled)

    def _errors(self, request: ApiRequest, role: Role | None) -> ErrorBody:
        def body(status: int, reasons: list[str], peer_id: str | None) -> dict[str, Json]:
            side = role or Role.PROVIDER
            offered_pid = requests.stated_pids(request, Role.CONSUMER)[1]

            def own_pid(peer: str, consumer_pid: str) -> str:
                if side is Role.CONSUMER:
                    return consumer_pid_of(peer, offered_pid)
                return provider_pid_of(peer, consumer_pid)

            def find(process_id: str, _: Role, peer: str) -> ContractNegotiation:
                return self.negotiations.get(process_id, role=role, peer_id=peer)

            consumer_pid, provider_pid = self.peers.pids(request, side, find, own_pid, peer_id=peer_id)
            return envelope.negotiation_error(status, reasons, consumer_pid=consumer_pid, provider_pid=provider_pid)

        return body


def _answer(status: int, shown: ContractNegotiation, handled: Handled[ContractNegotiation]) -> ApiAnswer:
    """A negotiation that has just begun is shown as it begins, even where it has ended: its end is a message."""
    return ApiAnswer(status, negotiation_messages.contract_negotiation(shown), looks=handled.looks)
