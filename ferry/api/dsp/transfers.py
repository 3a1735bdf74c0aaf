"""The transfer's endpoints, of both roles."""

from collections.abc import Callable
from dataclasses import dataclass

from ferry.api.dsp import requests
from ferry.api.dsp.answers import ErrorBody, PeerEndpoint
from ferry.api.http import ApiAnswer, ApiRequest
from ferry.control_plane.data_planes import DataPlanes
from ferry.control_plane.engine import Handled
from ferry.control_plane.progress import told_progress
from ferry.control_plane.provider_decisions import TransferDemand
from ferry.control_plane.renewals import RenewalService
from ferry.control_plane.transfers import TransferService, provider_pid_of
from ferry.domain.contracts import Asset, ContractAgreement
from ferry.domain.faults import EffectFailed, InvalidInput
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import Json
from ferry.domain.transfer_process import TransferProcess
from ferry.effects.progress import MESSAGE, ProgressReader
from ferry.ports.clock import Clock
from ferry.ports.stores import Definitions
from ferry.protocol import envelope, messages, renewal_messages, transfer_messages
from ferry.protocol.messages import TransferRequest
from ferry.protocol.reader import load
from ferry.protocol.sas import parse_sas


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferEndpoint:
    """Transfers with peers. `check_peer_address` is the egress guard."""

    peers: PeerEndpoint
    transfers: TransferService
    renewals: RenewalService
    progress_reader: ProgressReader
    planes: DataPlanes
    assets: Definitions[Asset]
    agreements: Definitions[ContractAgreement]
    clock: Clock
    check_peer_address: Callable[[str], None]

    def request(self, request: ApiRequest) -> ApiAnswer:
        """POST /transfers/request: a consumer wants the data of an agreement (step 6)."""
        return self.peers.answered(request, self._errors(request, Role.PROVIDER), self._request)

    def get(self, request: ApiRequest, role: Role) -> ApiAnswer:
        """GET /transfers/{pid}."""

        def answer(request: ApiRequest, peer_id: str) -> ApiAnswer:
            found = self.transfers.get(request.route.get("pid", ""), role=role, peer_id=peer_id)
            return ApiAnswer(200, transfer_messages.transfer_process(found))

        return self.peers.answered(request, self._errors(request, role), answer)

    def message(self, request: ApiRequest, role: Role, *kinds: MessageKind) -> ApiAnswer:
        """POST /transfers/{pid}/…: a message about a transfer that we know."""

        def answer(request: ApiRequest, peer_id: str) -> ApiAnswer:
            body = load(request.body)
            received, pid = messages.parse(body, *kinds), request.route.get("pid", "")
            if received.kind is not MessageKind.TRANSFER_START:
                return _answer(200, self.transfers.receive(pid, role, peer_id, received))
            address = messages.read_start_address(body)
            return _answer(200, self.transfers.receive_start(pid, role, peer_id, received, address=address))

        return self.peers.answered(request, self._errors(request, role), answer)

    def renew(self, request: ApiRequest) -> ApiAnswer:
        """POST /ferry/transfers/{pid}/address: a provider needs an address whose SAS lasts longer."""

        def answer(request: ApiRequest, peer_id: str) -> ApiAnswer:
            pid = request.route.get("pid", "")
            provider_pid = renewal_messages.read_address_request(load(request.body), pid)
            told = self.renewals.renew(pid, peer_id, provider_pid)
            message = renewal_messages.address_answer(told.process, parse_sas(told.kept.reveal())[0])
            return ApiAnswer(200, message, looks=told.looks)

        return self.peers.answered(request, self._errors(request, Role.CONSUMER), answer)

    def progress(self, request: ApiRequest) -> ApiAnswer:
        """GET /ferry/transfers/{pid}/progress: a consumer wants to know how far the copy has come."""

        def answer(request: ApiRequest, peer_id: str) -> ApiAnswer:
            found = self.transfers.get(request.route.get("pid", ""), role=Role.PROVIDER, peer_id=peer_id)
            said = {"state": found.dsp_state, **told_progress(self.progress_reader.of(found))}
            return ApiAnswer(200, envelope.written(MESSAGE, said))

        return self.peers.answered(request, self._errors(request, Role.PROVIDER), answer)

    def _request(self, request: ApiRequest, peer_id: str) -> ApiAnswer:
        wanted = messages.read_transfer_request(load(request.body))
        try:
            return _answer(201, self.transfers.accept(self._demand(wanted, peer_id), requests.secret_of(wanted)))
        except (EffectFailed, InvalidInput):
            # What was accepted once is answered like the first, whatever has become of asset, policy and planes.
            known = self.transfers.repeated(peer_id, wanted.consumer_pid, wanted.digest, requests.secret_of(wanted))
            if known is None:
                raise
            return _answer(201, known)

    def _demand(self, wanted: TransferRequest, peer_id: str) -> TransferDemand:
        agreement = self.agreements.get(wanted.agreement_id)
        asset = self.assets.get(agreement.asset_id) if agreement else None
        plane_for = self.planes.choose
        demand = requests.transfer_demand(wanted, peer_id, agreement, asset, self.clock.now(), plane_for=plane_for)
        self.check_peer_address(demand.callback_address)
        if demand.destination is not None and demand.destination.endpoint:
            self.check_peer_address(demand.destination.endpoint)
        return demand

    def _errors(self, request: ApiRequest, role: Role) -> ErrorBody:
        def body(status: int, reasons: list[str], peer_id: str | None) -> dict[str, Json]:
            consumer_pid, provider_pid = self.peers.pids(request, role, self._find, provider_pid_of, peer_id=peer_id)
            return envelope.transfer_error(status, reasons, consumer_pid=consumer_pid, provider_pid=provider_pid)

        return body

    def _find(self, process_id: str, role: Role, peer_id: str) -> TransferProcess:
        return self.transfers.get(process_id, role=role, peer_id=peer_id)


def _answer(status: int, handled: Handled[TransferProcess]) -> ApiAnswer:
    return ApiAnswer(status, transfer_messages.transfer_process(handled.process), looks=handled.looks)
