"""Management API of endpoint data references: where and with which token the data of a pull is read, as consumer.

There is one for each pull that is STARTED: it comes with the provider's start and goes with the end of the transfer. In
between it lies in the vault, also while the transfer is suspended, but then it is not shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.management.query import read_query
from ferry.api.management.search import search_definitions
from ferry.api.management.shapes import CONTEXT, Shown, millis
from ferry.control_plane.listing import Listing
from ferry.control_plane.transfers import EDR_KIND, TransferService, is_readable
from ferry.domain.contracts import ContractAgreement
from ferry.domain.decision import Command, CommandKind
from ferry.domain.faults import NotFound
from ferry.domain.message_kind import Role
from ferry.domain.process import JsonObject
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.stores import Definitions
from ferry.protocol.data_addresses import shown_address


@dataclass(frozen=True, slots=True)
class _Entries:
    """The pulls that have an address to be shown."""

    transfers: TransferService

    def get(self, definition_id: str, /) -> TransferProcess | None:
        try:
            process = self.transfers.get(definition_id, role=Role.CONSUMER)
        except NotFound:
            return None
        return process if is_readable(process) else None

    def all(self) -> Iterator[TransferProcess]:
        started = Listing(engine=self.transfers.engine).stream(TransferState.STARTED.value)
        return (process for process in started if is_readable(process))


@dataclass(frozen=True, slots=True, kw_only=True)
class EdrsApi:
    """`/management/v3/edrs`."""

    transfers: TransferService
    agreements: Definitions[ContractAgreement]

    def query(self, request: ApiRequest) -> ApiAnswer:
        """POST /request: the entries, without addresses."""
        found = search_definitions(_Entries(self.transfers), read_query(request), self._shown)
        return ApiAnswer(200, [self._shown(process) for process in found])

    def get_address(self, request: ApiRequest) -> ApiAnswer:
        """GET /{id}/dataaddress: the address with its token."""
        address = self.transfers.address_of(request.route.get("id", ""))
        return ApiAnswer(200, {"@type": "DataAddress", **shown_address(address), "@context": CONTEXT})

    def delete(self, request: ApiRequest) -> ApiAnswer:
        """DELETE /{id}: the address is deleted and purged; the transfer goes on."""
        process = _Entries(self.transfers).get(request.route.get("id", ""))
        if process is None:
            raise NotFound(EDR_KIND, request.route.get("id", ""))
        handled = self.transfers.command(process.id, Command(CommandKind.FORGET_ADDRESS), inline_seconds=1.0)
        return ApiAnswer(204, looks=handled.looks)

    def _shown(self, process: TransferProcess, /) -> JsonObject:
        agreement = self.agreements.get(process.agreement_id)
        entry: Shown = {
            "@id": process.id,
            "@type": EDR_KIND,
            "transferProcessId": process.id,
            "agreementId": process.agreement_id,
            "assetId": process.asset_id,
            "providerId": process.counter_party_id,
            "createdAt": millis(process.state_at),
            "@context": CONTEXT,
        }
        return entry if agreement is None else {**entry, "contractNegotiationId": agreement.negotiation_id}
