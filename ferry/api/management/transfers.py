"""Management API of transfers: steps 1 and 14-18 of the decision record, under EDC's paths and the record's own."""

from collections.abc import Callable
from dataclasses import dataclass

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.management.body import load_body
from ferry.api.management.orders import RepeatKey, begun, reasoned, termination
from ferry.api.management.query import read_query
from ferry.api.management.search import ProcessSearch
from ferry.api.management.shapes import id_response, shown_state
from ferry.api.management.transfer_orders import TransferOrders
from ferry.api.management.transfer_view import shown_progress, shown_transfer
from ferry.control_plane.consumer_decisions import TransferOrder
from ferry.control_plane.listing import Listing
from ferry.control_plane.transfers import HandledTransfer, TransferService
from ferry.domain.decision import Command, CommandKind
from ferry.domain.message_kind import Role
from ferry.domain.process import JsonObject
from ferry.domain.states import TRANSFER_CODES
from ferry.domain.transfer_process import TransferProcess
from ferry.effects.progress import ProgressReader

type FlowSummary = Callable[[str], JsonObject | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class TransfersApi:
    """`/management/v3/transferprocesses` and `/v1/data/transferprocess`.

    `flow_summary` tells how the data flow of a provider's transfer stands; None where it does not run here.
    """

    transfers: TransferService
    orders: TransferOrders
    inline_seconds: float
    flow_summary: FlowSummary
    progress_reader: ProgressReader

    def create(self, request: ApiRequest) -> ApiAnswer:
        """POST: start a transfer (step 1)."""
        handled = self._begin(self.orders.read(request, load_body(request)))
        return ApiAnswer(200, id_response(handled.process.id, handled.process.created_at), looks=handled.looks)

    def create_for_agreement(self, request: ApiRequest) -> ApiAnswer:
        """POST of the decision record: the agreement says who provides, and its negotiation where."""
        handled = self._begin(self.orders.read_for_agreement(request, load_body(request)))
        process = handled.process
        said = {**id_response(process.id, process.created_at), "id": process.id, "state": process.state_name}
        return ApiAnswer(200, said, looks=handled.looks)

    def query(self, request: ApiRequest) -> ApiAnswer:
        """POST /request."""
        search = ProcessSearch(
            listing=Listing(engine=self.transfers.engine),
            view=self._listed,
            codes={code: state.value for state, code in TRANSFER_CODES.items()},
        )
        return search.answer(read_query(request))

    def get(self, request: ApiRequest) -> ApiAnswer:
        """GET /{id}."""
        process = self._get(request)
        moved = self.transfers.engine.store.history(process.id) if process.history_moved else ()
        progress = self.flow_summary(process.id) if process.role is Role.PROVIDER else None
        return ApiAnswer(200, shown_transfer(process, moved_history=moved, progress=progress))

    def get_state(self, request: ApiRequest) -> ApiAnswer:
        """GET /{id}/state."""
        return ApiAnswer(200, shown_state("TransferState", self._get(request).state_name))

    def get_progress(self, request: ApiRequest) -> ApiAnswer:
        """GET /{id}/progress; a consumer's is the provider's to tell, which may take two seconds."""
        process = self._get(request)
        return ApiAnswer(200, shown_progress(process, self.progress_reader.of(process)))

    def terminate(self, request: ApiRequest) -> ApiAnswer:
        """POST /{id}/terminate: 409 where it is over already."""
        return self._command(request, termination(request))

    def suspend(self, request: ApiRequest) -> ApiAnswer:
        """POST /{id}/suspend: 409 where it is not STARTED; again where it is suspended already."""
        return self._command(request, reasoned(request, CommandKind.SUSPEND))

    def resume(self, request: ApiRequest) -> ApiAnswer:
        """POST /{id}/resume: 409 where it is not SUSPENDED."""
        return self._command(request, Command(CommandKind.RESUME))

    def complete(self, request: ApiRequest) -> ApiAnswer:
        """POST /{id}/complete: the client has read everything; of a pull alone, 409 where it is not STARTED."""
        return self._command(request, Command(CommandKind.COMPLETE))

    def deprovision(self, request: ApiRequest) -> ApiAnswer:
        """POST /{id}/deprovision (step 16): as often as one likes; one that still runs is ended first."""
        return self._command(request, Command(CommandKind.DEPROVISION))

    def _begin(self, order: TransferOrder) -> HandledTransfer:
        key = RepeatKey(order.process_id, order.request_digest)
        return begun(key, lambda: self.transfers.initiate(order, inline_seconds=self.inline_seconds))

    def _command(self, request: ApiRequest, command: Command) -> ApiAnswer:
        wanted_id = request.route.get("id", "")
        handled = self.transfers.command(wanted_id, command, inline_seconds=self.inline_seconds)
        return ApiAnswer(204, looks=handled.looks)

    def _get(self, request: ApiRequest) -> TransferProcess:
        return self.transfers.get(request.route.get("id", ""))

    def _listed(self, process: TransferProcess) -> JsonObject:
        return shown_transfer(process)
