"""The Dataspace Protocol's endpoints, of both roles.

A handler of a peer's message applies it, commits, answers, and never sends to that peer: what follows leaves by the
queue. An unknown id and somebody else's are both 404; a transition that is not allowed is 409.
"""

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from ferry.api import dsp_requests
from ferry.api.http import ApiAnswer, ApiRequest, BodyTooLarge, check_size
from ferry.control_plane import negotiations, transfers
from ferry.control_plane.catalog import Catalog, OfferedAsset
from ferry.control_plane.engine import Handled
from ferry.control_plane.negotiations import NegotiationService
from ferry.control_plane.transfers import TransferService
from ferry.domain.codec import to_json
from ferry.domain.contracts import Asset, ContractAgreement, ContractNegotiation
from ferry.domain.criteria import matches
from ferry.domain.data_address import AZURE_STORAGE_PUSH
from ferry.domain.decision import MessageKind
from ferry.domain.faults import AlreadyExists, EffectFailed, FerryError, IllegalTransition, InvalidInput, NotFound
from ferry.domain.process import Json, JsonObject, Role
from ferry.domain.transfer_process import TransferProcess
from ferry.ports import Clock, Definitions
from ferry.protocol import catalog_messages, envelope, messages, negotiation_messages, transfer_messages
from ferry.protocol.catalog_messages import DataServiceInfo
from ferry.protocol.identity import Identity, Unauthenticated
from ferry.protocol.reader import load

log = logging.getLogger("ferry.dsp")

type Answer = Callable[[ApiRequest, str], ApiAnswer]
type ErrorBody = Callable[[int, list[str]], dict[str, Json]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DspApi:
    """The protocol's endpoints of one participant. `dsp_url` is its base."""

    participant_id: str
    dsp_url: str
    identity: Identity
    catalog: Catalog
    assets: Definitions[Asset]
    agreements: Definitions[ContractAgreement]
    negotiations: NegotiationService
    transfers: TransferService
    clock: Clock
    check_peer_address: Callable[[str], None]

    # --- metadata and catalog -----------------------------------------------------------------------------------

    def versions(self, request: ApiRequest) -> ApiAnswer:
        """GET /.well-known/dspace-version, open to all."""
        del request
        return ApiAnswer(200, envelope.version_response())

    def request_catalog(self, request: ApiRequest) -> ApiAnswer:
        """POST /catalog/request."""
        return self._answered(request, envelope.catalog_error, self._request_catalog)

    def get_dataset(self, request: ApiRequest) -> ApiAnswer:
        """GET /catalog/datasets/{id}."""
        return self._answered(request, envelope.catalog_error, self._get_dataset)

    def _request_catalog(self, request: ApiRequest, peer_id: str) -> ApiAnswer:
        wanted = catalog_messages.read_catalog_request(load(request.body))
        found = [it for it in self.catalog.datasets(peer_id) if matches(wanted.criteria, to_json(it.asset))]
        page = found[wanted.offset : wanted.offset + wanted.limit]
        said = [catalog_messages.dataset(it.asset, _offers_of(it), self._service()) for it in page]
        catalog_id = str(uuid.uuid4())
        return ApiAnswer(
            200, catalog_messages.catalog(self.participant_id, said, self._service(), catalog_id=catalog_id)
        )

    def _get_dataset(self, request: ApiRequest, peer_id: str) -> ApiAnswer:
        asset_id = request.route.get("pid", "")
        found = self.catalog.dataset(peer_id, asset_id)
        if found is None:
            raise NotFound("dataset", asset_id)
        return ApiAnswer(200, catalog_messages.dataset_message(found.asset, _offers_of(found), self._service()))

    def _service(self) -> DataServiceInfo:
        service_id = str(uuid.uuid5(uuid.NAMESPACE_URL, self.dsp_url))
        return DataServiceInfo(service_id, self.dsp_url, (AZURE_STORAGE_PUSH,))

    # --- negotiation --------------------------------------------------------------------------------------------

    def request_negotiation(self, request: ApiRequest) -> ApiAnswer:
        """POST /negotiations/request: a consumer wants an offer of ours."""
        errors = self._negotiation_errors(request, Role.PROVIDER)
        return self._answered(request, errors, self._request_negotiation)

    def get_negotiation(self, request: ApiRequest, role: Role) -> ApiAnswer:
        """GET /negotiations/{pid}."""

        def answer(request: ApiRequest, peer_id: str) -> ApiAnswer:
            found = self.negotiations.get(request.route.get("pid", ""), role=role, peer_id=peer_id)
            return ApiAnswer(200, negotiation_messages.contract_negotiation(found))

        return self._answered(request, self._negotiation_errors(request, role), answer)

    def negotiation_message(self, request: ApiRequest, role: Role, *kinds: MessageKind) -> ApiAnswer:
        """POST /negotiations/{pid}/…: a message about a negotiation that we know."""

        def answer(request: ApiRequest, peer_id: str) -> ApiAnswer:
            received = messages.parse(load(request.body), *kinds)
            handled = self.negotiations.receive(request.route.get("pid", ""), role, peer_id, received)
            return _negotiation_answer(200, handled)

        return self._answered(request, self._negotiation_errors(request, role), answer)

    def _request_negotiation(self, request: ApiRequest, peer_id: str) -> ApiAnswer:
        order = dsp_requests.contract_order(messages.parse(load(request.body), MessageKind.CONTRACT_REQUEST), peer_id)
        self.check_peer_address(order.counter_party_address)
        return _negotiation_answer(201, self.negotiations.accept(order))

    # --- transfer -----------------------------------------------------------------------------------------------

    def request_transfer(self, request: ApiRequest) -> ApiAnswer:
        """POST /transfers/request: a consumer wants the data of an agreement (step 6)."""
        return self._answered(request, self._transfer_errors(request, Role.PROVIDER), self._request_transfer)

    def get_transfer(self, request: ApiRequest, role: Role) -> ApiAnswer:
        """GET /transfers/{pid}."""

        def answer(request: ApiRequest, peer_id: str) -> ApiAnswer:
            found = self.transfers.get(request.route.get("pid", ""), role=role, peer_id=peer_id)
            return ApiAnswer(200, transfer_messages.transfer_process(found))

        return self._answered(request, self._transfer_errors(request, role), answer)

    def transfer_message(self, request: ApiRequest, role: Role, *kinds: MessageKind) -> ApiAnswer:
        """POST /transfers/{pid}/…: a message about a transfer that we know."""

        def answer(request: ApiRequest, peer_id: str) -> ApiAnswer:
            received = messages.parse(load(request.body), *kinds)
            handled = self.transfers.receive(request.route.get("pid", ""), role, peer_id, received)
            return _transfer_answer(200, handled)

        return self._answered(request, self._transfer_errors(request, role), answer)

    def _request_transfer(self, request: ApiRequest, peer_id: str) -> ApiAnswer:
        wanted = messages.read_transfer_request(load(request.body))
        agreement = self.agreements.get(wanted.agreement_id)
        asset = self.assets.get(agreement.asset_id) if agreement else None
        demand = dsp_requests.transfer_demand(wanted, peer_id, agreement, asset, self.clock.now())
        self.check_peer_address(demand.callback_address)
        if demand.destination.endpoint:
            self.check_peer_address(demand.destination.endpoint)
        handled = self.transfers.accept(demand, dsp_requests.secret_of(wanted))
        return _transfer_answer(201, handled)

    # --- what every endpoint does -------------------------------------------------------------------------------

    def _answered(self, request: ApiRequest, error_body: ErrorBody, answer: Answer) -> ApiAnswer:
        """The answer, or the protocol's error of the right type."""
        try:
            check_size(request)
            peer_id = self.identity.identify(request.headers.get("authorization"))
            return answer(request, peer_id)
        except Unauthenticated as error:
            log.info("refused a peer: %s", error)
            return ApiAnswer(401, error_body(401, ["the caller did not show who it is"]))
        except BodyTooLarge as error:
            return ApiAnswer(413, error_body(413, [str(error)]))
        except InvalidInput as error:
            return ApiAnswer(400, error_body(400, [f"{fault.path}: {fault.message}" for fault in error.faults]))
        except NotFound as error:
            return ApiAnswer(404, error_body(404, [str(error)]))
        except (IllegalTransition, AlreadyExists) as error:
            return ApiAnswer(409, error_body(409, [str(error)]))
        except EffectFailed as error:
            status = 503 if error.fault.retryable else 400
            return ApiAnswer(status, error_body(status, [error.fault.message, f"fault: {error.fault.code}"]))

    def _negotiation_errors(self, request: ApiRequest, role: Role) -> ErrorBody:
        def body(status: int, reasons: list[str]) -> dict[str, Json]:
            consumer_pid, provider_pid = self._pids(self.negotiations, negotiations.provider_pid_of, request, role)
            return envelope.negotiation_error(status, reasons, consumer_pid=consumer_pid, provider_pid=provider_pid)

        return body

    def _transfer_errors(self, request: ApiRequest, role: Role) -> ErrorBody:
        def body(status: int, reasons: list[str]) -> dict[str, Json]:
            consumer_pid, provider_pid = self._pids(self.transfers, transfers.provider_pid_of, request, role)
            return envelope.transfer_error(status, reasons, consumer_pid=consumer_pid, provider_pid=provider_pid)

        return body

    def _pids(
        self,
        service: NegotiationService | TransferService,
        provider_pid_of: Callable[[str, str], str],
        request: ApiRequest,
        role: Role,
    ) -> tuple[str, str]:
        """Both pids for an error: those of the process if it is the caller's, else what the request itself says."""
        consumer_pid, provider_pid = dsp_requests.stated_pids(request, role)
        try:
            peer_id = self.identity.identify(request.headers.get("authorization"))
            own = request.route.get("pid") or provider_pid_of(peer_id, consumer_pid)
            found = service.get(own, role=role, peer_id=peer_id)
        except FerryError:
            return consumer_pid, provider_pid
        return found.consumer_pid, found.provider_pid


def _offers_of(offered: OfferedAsset) -> dict[str, JsonObject]:
    return {str(offer.id): offer.policy for offer in offered.offers}


def _negotiation_answer(status: int, handled: Handled[ContractNegotiation]) -> ApiAnswer:
    shown = handled.process
    if status == 201:
        shown = replace(shown, state=dsp_requests.NEGOTIATION_BEGUN)
    return ApiAnswer(status, negotiation_messages.contract_negotiation(shown), looks=handled.looks)


def _transfer_answer(status: int, handled: Handled[TransferProcess]) -> ApiAnswer:
    return ApiAnswer(status, transfer_messages.transfer_process(handled.process), looks=handled.looks)
