"""A client of the management API: finds the route as a host would, sends the key, emits the looks, reads the answer."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import parse_qsl, unquote

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.management.access import ApiKeyAccess
from ferry.api.management.api import ManagementApi, management_api
from ferry.api.management.routes import MANAGEMENT_ROUTES
from ferry.api.management.transfer_orders import TransferOrders
from ferry.services.compose import Core
from ferry.services.dispatch import Dispatcher
from ferry.services.orphaned import orphans_of
from tests.world.participants import Pair, Participant

API_KEY = "management"
EDC_CONTEXT = {"@vocab": "https://w3id.org/edc/v0.0.1/ns/"}


def management_of(core: Core, **changes: Any) -> ManagementApi:
    """The API over a core, with arguments replaced: those of its orders, or its own."""
    orders: dict[str, Any] = {
        "agreements": core.transfers.agreements,
        "negotiations": core.negotiations,
        "participant_id": core.settings.participant_id,
        "destination_account": core.settings.destination_account,
        "check_address": core.outside.allow,
        "planes": core.planes,
    }
    of_orders = {field.name for field in fields(TransferOrders)} & changes.keys()
    orders |= {name: changes.pop(name) for name in of_orders}
    arguments: dict[str, Any] = {
        "orders": TransferOrders(**orders),
        "inline_seconds": core.settings.inline_seconds,
        "access": ApiKeyAccess(core.settings.api_key),
        "offers": core.catalog,
        "transfers": core.transfers,
        "orphans": orphans_of(core.settings, core.outside),
        "vault": core.outside.vault,
        "peer": core.outside.peer,
        "clock": core.outside.clock,
        "ids": core.outside.ids,
        "flow_summary": Dispatcher(core).flow_summary,
        "progress_reader": core.progress,
        **changes,
    }
    return management_api(**arguments)


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody with the key of one participant."""

    side: Participant
    api: ManagementApi

    def post(self, path: str, body: Any = None, **headers: str) -> ApiAnswer:
        """POST below `management/v3`."""
        return self.call("POST", f"management/v3/{path}", body, headers)

    def put(self, path: str, body: Any) -> ApiAnswer:
        """PUT below `management/v3`."""
        return self.call("PUT", f"management/v3/{path}", body)

    def get(self, path: str) -> ApiAnswer:
        """GET below `management/v3`."""
        return self.call("GET", f"management/v3/{path}")

    def delete(self, path: str) -> ApiAnswer:
        """DELETE below `management/v3`."""
        return self.call("DELETE", f"management/v3/{path}")

    def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> ApiAnswer:
        """Any call; a body that is bytes goes as it is."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        told = {"x-api-key": API_KEY, **{k.lower().replace("_", "-"): v for k, v in (headers or {}).items()}}
        path, _, query = path.partition("?")
        for route in MANAGEMENT_ROUTES:
            template = route.path.replace("{id}", "(?P<id>[^/]+)").replace("{*rest}", "(?P<rest>.*)")
            match = re.fullmatch(template, path)
            if match and route.method == method:
                parameters = {name: unquote(value) for name, value in match.groupdict().items()}
                request = ApiRequest(method, path, told, parameters, dict(parse_qsl(query)), content)
                answer = self.api.answer(route, request)
                self.side.emit(answer.looks)
                return answer
        raise AssertionError(f"no route for {method} {path}")


def client_of(side: Participant, **changes: Any) -> Client:
    """A client of that participant."""
    return Client(side, management_of(side.core, **changes))


def body_of(answer: ApiAnswer, status: int = 200) -> Any:
    """The body as it would come off the wire; the status must be as expected."""
    assert answer.status == status, (answer.status, answer.body)
    return json.loads(json.dumps(answer.body))


def faults_in(answer: ApiAnswer, status: int = 400) -> dict[str | None, str]:
    """Path -> message of every fault, in EDC's shape."""
    details = body_of(answer, status)
    assert all(detail.keys() == {"message", "type", "path", "invalidValue"} for detail in details)
    assert len(details) == len({detail["path"] for detail in details}), details
    return {detail["path"]: detail["message"] for detail in details}


def counter_party(pair: Pair) -> dict[str, Any]:
    """What every request to the provider says of it."""
    return {
        "@context": EDC_CONTEXT,
        "counterPartyAddress": pair.provider.core.settings.dsp_url,
        "protocol": "dataspace-protocol-http:2025-1",
    }


def transfer_request(pair: Pair, **changes: Any) -> dict[str, Any]:
    """A TransferRequest of the agreed asset; a change to None leaves a member out."""
    request = {
        **counter_party(pair),
        "@type": "TransferRequest",
        "contractId": pair.agreement_id,
        "transferType": "AzureStorage-PUSH",
        **changes,
    }
    return {name: value for name, value in request.items() if value is not None}
