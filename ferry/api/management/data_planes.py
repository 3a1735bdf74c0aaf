"""Management API of data planes: those that a provider's flows may run on, besides its own one.

What is registered is EDC's message of Data Plane Signaling 1.0. A plane is called with the participant's own identity:
credentials of a plane are refused, for the list of planes is no place for them.
"""

from dataclasses import dataclass

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.management.body import BodyReader, as_items, load_body, members, plain
from ferry.api.management.orders import ADDRESS_LIMIT, CheckAddress, check_url
from ferry.api.management.shapes import CONTEXT, Shown, millis
from ferry.control_plane.data_planes import DataPlanes
from ferry.domain.data_plane import DataPlaneInstance
from ferry.domain.process import JsonObject
from ferry.ports.clock import Clock

TYPES_LIMIT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPlanesApi:
    """`/management/v4/dataplanes`, and the list under version 3."""

    planes: DataPlanes
    clock: Clock
    check_address: CheckAddress

    def register(self, request: ApiRequest) -> ApiAnswer:
        """PUT: registered, or replaced; 409 for the id of the participant's own plane."""
        self.planes.register(self._read(request))
        return ApiAnswer(200)

    def unregister(self, request: ApiRequest) -> ApiAnswer:
        """DELETE /{id}: no flow is started on it any more."""
        self.planes.unregister(request.route.get("id", ""))
        return ApiAnswer(204)

    def list_all(self, request: ApiRequest) -> ApiAnswer:
        """GET."""
        del request
        return ApiAnswer(200, [shown_plane(plane) for plane in self.planes.all()])

    def _read(self, request: ApiRequest) -> DataPlaneInstance:
        body = load_body(request)
        raw, reader = members(body), BodyReader(body)
        name = next((it for it in ("dataplaneId", "@id") if reader.has(it)), "dataplaneId")
        address = next((it for it in ("endpoint", "url") if reader.has(it)), "endpoint")
        plane_id = reader.text(name)
        url = reader.text(address, limit=ADDRESS_LIMIT).rstrip("/")
        check_url(reader, address, url, self.check_address)
        kinds = next((it for it in ("transferTypes", "profiles", "allowedTransferTypes") if reader.has(it)), "")
        types = _texts(raw, reader, kinds or "transferTypes")
        if not types and not as_items(raw.get(kinds)):
            reader.fault(kinds or "transferTypes", "is required: the transfer types that the data plane serves")
        labels = _texts(raw, reader, "labels")
        if raw.get("authorization") not in (None, {}, []):
            message = "is not supported: the data plane is called with the identity of this participant"
            reader.fault("authorization", message)
        reader.finish()
        now = self.clock.now()
        return DataPlaneInstance(plane_id, now, now, url, types, labels)


def _texts(raw: JsonObject, reader: BodyReader, name: str) -> tuple[str, ...]:
    items = [plain(item) for item in as_items(raw.get(name))]
    texts = [item for item in items if isinstance(item, str) and 0 < len(item) <= 256]
    if len(texts) != len(items) or len(items) > TYPES_LIMIT:
        reader.fault(name, f"must be at most {TYPES_LIMIT} texts of 1 to 256 characters")
    return tuple(dict.fromkeys(texts))


def shown_plane(plane: DataPlaneInstance) -> Shown:
    """A DataPlaneInstance, without what EDC keeps of earlier versions of the signaling protocol but its empty lists."""
    return {
        "@id": plane.id,
        "@type": "DataPlaneInstance",
        "url": plane.url,
        "lastActive": millis(plane.updated_at),
        "stateTimestamp": millis(plane.updated_at),
        "allowedSourceTypes": [],
        "allowedTransferTypes": list(plane.transfer_types),
        "destinationProvisionTypes": [],
        "labels": list(plane.labels),
        "state": plane.state.value,
        "@context": CONTEXT,
    }
