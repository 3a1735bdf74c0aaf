"""From a client's request to the order that starts a transfer (step 1); nothing is begun until all of it is good."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ferry.api.http import ApiRequest
from ferry.api.management.assets import address_properties, check_alias
from ferry.api.management.body import BodyReader, as_items, members, plain, short_name
from ferry.api.management.callbacks import read_callbacks
from ferry.api.management.orders import (
    ADDRESS_LIMIT,
    CheckAddress,
    RepeatKey,
    check_url,
    read_counter_party_address,
    read_purpose,
    repeat_key,
)
from ferry.control_plane.consumer_decisions import TransferOrder
from ferry.control_plane.data_planes import DataPlanes
from ferry.control_plane.negotiations import NegotiationService
from ferry.domain.contracts import ContractAgreement
from ferry.domain.data_address import (
    AZURE_STORAGE,
    AZURE_STORAGE_PUSH,
    SECRET_PROPERTY,
    DestinationAddress,
    is_pull,
    read_destination,
)
from ferry.domain.data_plane import DataPlaneInstance
from ferry.domain.faults import InvalidInput, NotFound
from ferry.domain.message_kind import Role
from ferry.domain.process import Json, JsonObject
from ferry.ports.stores import Definitions
from ferry.telemetry import trace_parent

SHORTEST_SAS_SECONDS = 60
LONGEST_SAS_SECONDS = 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferOrders:
    """Reads the two requests that start a transfer. `destination_account`: where those go that name no account."""

    agreements: Definitions[ContractAgreement]
    negotiations: NegotiationService
    participant_id: str
    destination_account: str
    check_address: CheckAddress
    planes: DataPlanes
    own_secrets: frozenset[str] = frozenset()

    def read(self, request: ApiRequest, body: JsonObject) -> TransferOrder:
        """EDC's TransferRequest. Raises InvalidInput with every fault."""
        reader = BodyReader(body)
        address = read_counter_party_address(reader, self.check_address)
        transfer_type = reader.text("transferType")
        metadata = read_metadata(reader)
        plane = self._plane(reader, transfer_type, metadata)
        if plane is None and transfer_type and transfer_type != AZURE_STORAGE_PUSH and not is_pull(transfer_type):
            what = f"TransferType {transfer_type} is not supported; use {AZURE_STORAGE_PUSH}"
            reader.fault("transferType", f"{what}, or one that ends with -PULL", transfer_type)
        asset_id = reader.text("assetId", required=False)
        bare = plane is not None or is_pull(transfer_type)
        order = self._order(request, body, reader, address=address, asset_id=asset_id, pull=bare)
        if plane is None:
            return replace(order, transfer_type=transfer_type)
        return replace(order, transfer_type=transfer_type, data_plane=plane.id, plane_metadata=metadata)

    def _plane(self, reader: BodyReader, transfer_type: str, metadata: JsonObject | None) -> DataPlaneInstance | None:
        """The registered plane that receives or reads for us, where the request tells of metadata for one."""
        if metadata is None:
            return None
        labels = [str(it) for it in as_items(metadata.get("labels"))]
        plane = self.planes.choose_for_consumer(transfer_type, labels)
        if plane is None and labels:
            reader.fault("dataplaneMetadata.labels", f"no data plane with these serves {transfer_type}")
        return plane

    def read_for_agreement(self, request: ApiRequest, body: JsonObject) -> TransferOrder:
        """The decision record's request: asset and agreement. Raises InvalidInput with every fault."""
        reader = BodyReader(body)
        address = reader.text("counterPartyAddress", required=False, limit=ADDRESS_LIMIT)
        check_url(reader, "counterPartyAddress", address, self.check_address)
        asset_id = reader.text("assetId")
        return self._order(request, body, reader, address=address.rstrip("/") or None, asset_id=asset_id)

    def _order(
        self,
        request: ApiRequest,
        body: JsonObject,
        reader: BodyReader,
        *,
        address: str | None,
        asset_id: str,
        pull: bool = False,
    ) -> TransferOrder:
        callbacks, purpose = read_callbacks(reader, self.check_address, self.own_secrets), read_purpose(reader)
        agreement = self._agreement(reader, asset_id)
        if address is None and agreement is not None:
            address = self._address_of(reader, agreement)
        managed = reader.boolean("managedResources", default=True)
        destination = None if pull else self._destination(reader, managed=managed)
        sas_seconds = reader.integer("sasValiditySeconds", low=SHORTEST_SAS_SECONDS, high=LONGEST_SAS_SECONDS)
        key = (
            reader.collect(
                lambda: repeat_key(request, body, participant_id=self.participant_id, kind="TransferProcess")
            )
            or RepeatKey()
        )
        reader.finish()
        if agreement is None or (destination is None and not pull):
            raise InvalidInput.at("$", "the request is not complete")
        return TransferOrder(
            counter_party_id=agreement.provider_id,
            counter_party_address=address or "",
            agreement_id=agreement.id,
            asset_id=agreement.asset_id,
            destination=destination,
            managed=managed,
            sas_seconds=sas_seconds,
            process_id=key.process_id,
            request_digest=key.digest,
            purpose=purpose,
            callbacks=callbacks,
            trace_parent=trace_parent.get(),
            agreement=agreement,
        )

    def _agreement(self, reader: BodyReader, asset_id: str) -> ContractAgreement | None:
        contract_id = reader.text("contractId")
        if not contract_id:
            return None
        agreement = self.agreements.get(contract_id)
        if agreement is None or agreement.role is not Role.CONSUMER:
            reader.fault("contractId", "is no contract agreement of ours as consumer; negotiate first", contract_id)
            return None
        if asset_id and asset_id != agreement.asset_id:
            reader.fault("assetId", f"is not what the agreement is about: {agreement.asset_id!r}", asset_id)
        return agreement

    def _address_of(self, reader: BodyReader, agreement: ContractAgreement) -> str:
        try:
            return self.negotiations.get(agreement.negotiation_id).counter_party_address
        except NotFound:
            message = "is required: the negotiation that knew the provider's address has left the store"
            reader.fault("counterPartyAddress", message)
            return ""

    def _destination(self, reader: BodyReader, *, managed: bool) -> DestinationAddress | None:
        given = address_properties(reader.object("dataDestination"))
        properties: dict[str, Json] = {"type": AZURE_STORAGE, "account": self.destination_account, **given}
        if SECRET_PROPERTY in properties:
            reader.fault("dataDestination.secret", "no secret in a request: name its vault alias in keyName")
        if not managed and not properties.get("container"):
            message = "is required where managedResources is false: the container that exists and is to be kept"
            reader.fault("dataDestination.container", message)
        reader.collect(lambda: check_alias(properties, "dataDestination"))
        destination = reader.collect(lambda: read_destination(properties))
        if destination is not None and destination.endpoint is not None:
            check_url(reader, "dataDestination.endpoint", destination.endpoint, self.check_address)
        return destination


def read_metadata(reader: BodyReader) -> JsonObject | None:
    """What a data plane is to know: properties by name, and labels; None where nothing is said."""
    if not reader.has("dataplaneMetadata"):
        return None
    told = members(reader.object("dataplaneMetadata"))
    labels = [plain(item) for item in as_items(told.get("labels"))]
    properties = told.get("properties")
    if not all(isinstance(it, str) for it in labels):
        reader.fault("dataplaneMetadata.labels", "must be texts")
    if properties is not None and not isinstance(properties, Mapping):
        reader.fault("dataplaneMetadata.properties", "must be an object")
        properties = None
    known = {short_name(name): plain(value) for name, value in (properties or {}).items()}
    if SECRET_PROPERTY in known:
        reader.fault("dataplaneMetadata.properties.secret", "no secret in a request: name its vault alias in keyName")
    return {"labels": labels, "properties": known}
