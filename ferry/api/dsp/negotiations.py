"""The negotiation's endpoints, of both roles."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ferry.api.dsp import requests
from ferry.api.dsp.answers import ErrorBody, PeerEndpoint
from ferry.api.http import ApiAnswer, ApiRequest
from ferry.control_plane.engine import Handled
from ferry.control_plane.negotiations import NegotiationService, provider_pid_of
from ferry.domain.contracts import ContractNegotiation
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import Json
from ferry.protocol import envelope, messages, negotiation_messages
from ferry.protocol.reader import load


@dataclass(frozen=True, slots=True, kw_only=True)
class NegotiationEndpoint:
    """Negotiations with peers. `check_peer_address` is the egress guard."""

    peers: PeerEndpoint
    negotiations: NegotiationService
    check_peer_address: Callable[[str], None]

    def request(self, request: ApiRequest) -> ApiAnswer:
        """POST /negotiations/request: a consumer wants an offer of ours."""
        return self.peers.answered(request, self._errors(request, Role.PROVIDER), self._request)

    def get(self, request: ApiRequest, role: Role) -> ApiAnswer:
        """GET /negotiations/{pid}."""

        def answer(request: ApiRequest, peer_id: str) -> ApiAnswer:
            found = self.negotiations.get(request.route.get("pid", ""), role=role, peer_id=peer_id)
            return ApiAnswer(200, negotiation_messages.contract_negotiation(found))

        return self.peers.answered(request, self._errors(request, role), answer)

    def message(self, request: ApiRequest, role: Role, *kinds: MessageKind) -> ApiAnswer:
        """POST /negotiations/{pid}/…: a message about a negotiation that we know."""

        def answer(request: ApiRequest, peer_id: str) -> ApiAnswer:
            received = messages.parse(load(request.body), *kinds)
            return _answer(200, self.negotiations.receive(request.route.get("pid", ""), role, peer_id, received))

        return self.peers.answered(request, self._errors(request, role), answer)

    def _request(self, request: ApiRequest, peer_id: str) -> ApiAnswer:
        order = requests.contract_order(messages.parse(load(request.body), MessageKind.CONTRACT_REQUEST), peer_id)
        self.check_peer_address(order.counter_party_address)
        return _answer(201, self.negotiations.accept(order))

    def _errors(self, request: ApiRequest, role: Role) -> ErrorBody:
        def body(status: int, reasons: list[str]) -> dict[str, Json]:
            consumer_pid, provider_pid = self.peers.pids(request, role, self._find, provider_pid_of)
            return envelope.negotiation_error(status, reasons, consumer_pid=consumer_pid, provider_pid=provider_pid)

        return body

    def _find(self, process_id: str, role: Role, peer_id: str) -> ContractNegotiation:
        return self.negotiations.get(process_id, role=role, peer_id=peer_id)


def _answer(status: int, handled: Handled[ContractNegotiation]) -> ApiAnswer:
    shown = handled.process
    if status == 201:
        shown = replace(shown, state=requests.NEGOTIATION_BEGUN)
    return ApiAnswer(status, negotiation_messages.contract_negotiation(shown), looks=handled.looks)
