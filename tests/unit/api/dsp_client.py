"""A peer that speaks the Dataspace Protocol to one participant, byte by byte, and reads what it answers."""

import json
import re
from dataclasses import dataclass
from typing import Any

from ferry.api.dsp.routes import dsp_routes
from ferry.api.http import ApiAnswer, ApiRequest
from ferry.domain.message_kind import Role
from ferry.protocol.identity import MockIdentity
from tests.world.participants import Pair, Participant

CONTEXT = ["https://w3id.org/dspace/2025/1/context.jsonld"]
SAS = "sv=2025-01-05&sr=c&sp=cw&sig=c2lnbmF0dXJl"


@dataclass(frozen=True, slots=True)
class DspClient:
    """Speaks as `name` (None: shows no identity) to that role of a participant."""

    side: Participant
    role: Role
    name: str | None

    def post(self, path: str, body: Any) -> ApiAnswer:
        """POST below the base; a body that is bytes goes as it is."""
        return self.call("POST", path, body if isinstance(body, bytes) else json.dumps(body).encode())

    def get(self, path: str) -> ApiAnswer:
        """GET below the base."""
        return self.call("GET", path, b"")

    def call(self, method: str, path: str, body: bytes) -> ApiAnswer:
        """Any call. What the answer emits is not put on the queue."""
        headers = {"authorization": MockIdentity(self.name).authorization("x")} if self.name else {}
        for route in dsp_routes(self.role):
            match = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", route.path), path)
            if match and route.method == method:
                return route.handle(self.side.core.dsp, ApiRequest(method, path, headers, match.groupdict(), {}, body))
        raise AssertionError(f"no route for {method} {path}")


def consumer_of(pair: Pair, name: str | None = "consumer") -> DspClient:
    """A consumer that speaks to the provider."""
    return DspClient(pair.provider, Role.PROVIDER, name)


def provider_of(pair: Pair, name: str | None = "provider") -> DspClient:
    """A provider that speaks to the consumer."""
    return DspClient(pair.consumer, Role.CONSUMER, name)


def body_of(answer: ApiAnswer, status: int = 200) -> dict[str, Any]:
    """The body as it would come off the wire; the status must be as expected."""
    assert answer.status == status, (answer.status, answer.body)
    body: dict[str, Any] = json.loads(json.dumps(answer.body))
    return body


def message(kind: str, **fields: Any) -> dict[str, Any]:
    """A message; a field that is None is left out."""
    return {"@context": CONTEXT, "@type": kind, **{name: it for name, it in fields.items() if it is not None}}


def data_address(**properties: str | None) -> dict[str, Any]:
    """Where a consumer wants the blobs, with a SAS."""
    told = {
        "account": "consumerdata",
        "container": "ferry-x",
        "endpoint": "https://consumerdata.test",
        "secret": json.dumps({"edctype": "dataspaceconnector:azuretoken", "sas": f"?{SAS}"}),
        **properties,
    }
    named = [{"@type": "EndpointProperty", "name": name, "value": value} for name, value in told.items() if value]
    return {"@type": "DataAddress", "endpointType": "AzureStorage", "endpointProperties": named}


def transfer_request(pair: Pair, **changes: Any) -> dict[str, Any]:
    """A TransferRequestMessage for the agreement of the pair."""
    fields = {
        "@id": "urn:uuid:request-1",
        "consumerPid": "consumer-1",
        "agreementId": pair.agreement_id,
        "format": "AzureStorage-PUSH",
        "callbackAddress": "http://consumer.test/api/dsp/2025-1/consumer",
        "dataAddress": data_address(),
        **changes,
    }
    return message("TransferRequestMessage", **fields)
