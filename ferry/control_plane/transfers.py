"""The use cases of a transfer: start, accept, look, claim, terminate, deprovision. No JSON, no HTTP."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from ferry.control_plane import consumer_decisions, provider_decisions
from ferry.control_plane.agreement_end import agreement_end
from ferry.control_plane.consumer_decisions import TransferOrder
from ferry.control_plane.engine import Handled
from ferry.control_plane.process_service import ProcessService
from ferry.control_plane.provider_decisions import TransferDemand
from ferry.control_plane.transfer_decisions import FLOWING
from ferry.domain.contracts import ContractAgreement
from ferry.domain.decision import Claim, ClaimSource, Done, FlowReport, Received
from ferry.domain.faults import AlreadyExists, InvalidInput, NotFound
from ferry.domain.message_kind import Role
from ferry.domain.process import IntentKind
from ferry.domain.secret import Secret
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.stores import Definitions
from ferry.ports.vault import Vault

PEER_NAMESPACE = uuid.UUID("3d6f0a52-9f4e-5f7e-9f43-0a4a6b1f7c11")

EDR_KIND = "EndpointDataReferenceEntry"

type HandledTransfer = Handled[TransferProcess]


def provider_pid_of(peer_id: str, consumer_pid: str) -> str:
    """The provider's id for a consumer's transfer: the same request always gets the same one."""
    return str(uuid.uuid5(PEER_NAMESPACE, f"transfer\n{peer_id}\n{consumer_pid}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferService(ProcessService[TransferProcess]):
    """Transfers of one participant, in either role.

    `public_endpoint` gives the endpoint that a peer has to be told of an account of ours; None: the public one.
    """

    agreements: Definitions[ContractAgreement]
    vault: Vault
    public_endpoint: Callable[[str, str | None], str | None]

    def initiate(self, order: TransferOrder, *, inline_seconds: float) -> HandledTransfer:
        """Start a transfer as consumer (step 1). The same order under the same process id is answered like the first.

        Raises InvalidInput where the agreement is unknown, AlreadyExists where the id was used for another order.
        """
        agreement = order.agreement or self.agreements.get(order.agreement_id)
        if agreement is None or agreement.role is not Role.CONSUMER:
            message = f"contract agreement {order.agreement_id!r} does not exist here as a consumer's; negotiate first"
            raise InvalidInput.at("contractId", message)
        if order.asset_id and order.asset_id != agreement.asset_id:
            message = f"the agreement is about asset {agreement.asset_id!r}"
            raise InvalidInput.at("assetId", message, order.asset_id)
        moment, wanted = self.engine.moment(), order.destination
        if wanted is not None:
            wanted = replace(wanted, endpoint=self.public_endpoint(wanted.account, wanted.endpoint))
        order = replace(
            order,
            asset_id=agreement.asset_id,
            counter_party_id=agreement.provider_id,
            destination=wanted,
            agreement_ends_at=agreement_end(agreement, agreement.consumer_id, order.purpose, moment.now),
        )
        process = consumer_decisions.initiate(order, moment)
        try:
            with self.slots.budget(inline_seconds) as seconds:
                return self.engine.begin(process, budget_seconds=seconds)
        except AlreadyExists:
            existing = self.engine.load(process.id)
            if existing.request_digest != order.request_digest or not order.request_digest:
                raise
            return self.engine.found(existing)

    def accept(self, demand: TransferDemand, secret: Secret | None) -> HandledTransfer:
        """Accept a consumer's request as provider (step 6): commit, store the SAS under our own name, commit.

        A pull brings no SAS.

        A repeated request is answered like the first; if the first one never came to store the SAS, this one does.
        Raises AlreadyExists where the same consumer pid came with another body.
        """
        process = provider_decisions.accept(demand, self.engine.moment())
        begun: HandledTransfer | None = None
        try:
            begun = self.engine.begin(process)
            process = begun.process
        except AlreadyExists:
            process = self.engine.load(process.id)
            if process.request_digest != demand.request_digest:
                raise
        return self._with_address(process, secret, begun)

    def repeated(
        self, peer_id: str, consumer_pid: str, request_digest: str, secret: Secret | None
    ) -> HandledTransfer | None:
        """The transfer that this request began once, or None. Raises AlreadyExists where it came with another body."""
        process_id = provider_pid_of(peer_id, consumer_pid)
        try:
            process = self.engine.load(process_id)
        except NotFound:
            return None
        if process.request_digest != request_digest:
            raise AlreadyExists(self.engine.kind, process_id, "with another body")
        return self._with_address(process, secret, None)

    def _with_address(
        self, process: TransferProcess, secret: Secret | None, begun: HandledTransfer | None
    ) -> HandledTransfer:
        """The transfer as it stands, with the SAS in our vault where it still waits for that."""
        waiting = next((i for i in process.intents if i.kind is IntentKind.STORE_ADDRESS), None)
        destination = process.destination
        if waiting is None or destination is None or secret is None:
            return self.engine.found(process)
        self.vault.store(destination.secret_name, secret, expires_at=destination.sas_expires_at)
        stored = Done(waiting.id, IntentKind.STORE_ADDRESS)
        return self.engine.handle(process.id, stored, known=begun.record if begun else None)

    def receive_start(
        self, process_id: str, role: Role, peer_id: str, received: Received, *, address: Secret | None
    ) -> HandledTransfer:
        """Apply a TransferStartMessage; the data address of a pull lies in our vault before it is answered.

        Where a repeated one finds that the first never came to store the address, this one does. Raises as `receive`.
        """
        handled = self.receive(process_id, role, peer_id, received)
        process = handled.process
        waiting = next((i for i in process.intents if i.kind is IntentKind.STORE_ADDRESS), None)
        if role is Role.PROVIDER or address is None or waiting is None or process.address_secret is None:
            return handled
        self.vault.store(process.address_secret, address)
        return self.engine.handle(process.id, Done(waiting.id, IntentKind.STORE_ADDRESS), known=handled.record)

    def address_of(self, process_id: str) -> Secret:
        """The data address of a pull of ours as consumer, while it is STARTED. Raises NotFound where there is none."""
        process = self.get(process_id, role=Role.CONSUMER)
        name = process.address_secret if is_readable(process) else None
        address = self.vault.get(name) if name is not None else None
        if address is None:
            raise NotFound(EDR_KIND, process_id)
        return address

    def claim(self, process_id: str) -> HandledTransfer | None:
        """News from the blob trigger: the marker lies in the container. News of unknown transfers is nothing."""
        try:
            return self.engine.handle(process_id, Claim(ClaimSource.TRIGGER), budget_seconds=self.queue_seconds)
        except NotFound:
            return None

    def report(self, process_id: str, report: FlowReport) -> HandledTransfer:
        """What the data plane says of the flow of this process; a data address goes to the vault first."""
        if report.address is not None:
            process = self.engine.load(process_id)
            if process.address_secret is not None and _takes_address(process):
                self.vault.store(process.address_secret, report.address)
        return self.engine.handle(process_id, report)


def _takes_address(process: TransferProcess) -> bool:
    """Whether a data plane's address is to be kept: of a pull that we provide, of a push that is prepared for us."""
    if process.role is Role.CONSUMER:
        return not process.is_pull and process.state is TransferState.PREPARATION_REQUESTED
    return process.is_pull and process.state in FLOWING


def is_readable(process: TransferProcess) -> bool:
    """Whether a client of ours may read from the data address of this pull: only while it is STARTED."""
    is_ours = process.role is Role.CONSUMER and process.is_pull and process.has_address
    return is_ours and process.state is TransferState.STARTED
