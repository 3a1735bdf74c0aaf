"""The routes of the management API, as data: what the triggers register, each with the role that it belongs to.

This module imports nothing of the connector, so that the triggers can read it while the app starts.
"""

from dataclasses import dataclass
from enum import StrEnum

V3 = "management/v3"
RECORD = "v1/data/transferprocess"


class RouteGroup(StrEnum):
    """Whose routes they are: one role's, or those that speak of processes of either."""

    PROVIDER = "provider"
    CONSUMER = "consumer"
    SHARED = "shared"


@dataclass(frozen=True, slots=True)
class Route:
    """One route: a name for its function, method, path below the host's prefix, and handler (`resource.method`)."""

    name: str
    method: str
    path: str
    handler: str
    group: RouteGroup


_P, _C, _S = RouteGroup.PROVIDER, RouteGroup.CONSUMER, RouteGroup.SHARED


def _definitions(noun: str, resource: str, *, id_in_path: bool) -> tuple[Route, ...]:
    """The five routes of a resource that a provider defines; a PUT names it in its body or in its path."""
    base = f"{V3}/{noun}"
    return (
        Route(f"create_{noun}", "POST", base, f"{resource}.create", _P),
        Route(f"query_{noun}", "POST", f"{base}/request", f"{resource}.query", _P),
        Route(f"get_{noun}", "GET", f"{base}/{{id}}", f"{resource}.get", _P),
        Route(f"update_{noun}", "PUT", f"{base}/{{id}}" if id_in_path else base, f"{resource}.update", _P),
        Route(f"delete_{noun}", "DELETE", f"{base}/{{id}}", f"{resource}.delete", _P),
    )


_NEGOTIATIONS = f"{V3}/contractnegotiations"
_AGREEMENTS = f"{V3}/contractagreements"
_TRANSFERS = f"{V3}/transferprocesses"
_SECRETS = f"{V3}/secrets"

MANAGEMENT_ROUTES: tuple[Route, ...] = (
    *_definitions("assets", "assets", id_in_path=False),
    *_definitions("policydefinitions", "policies", id_in_path=True),
    *_definitions("contractdefinitions", "contract_definitions", id_in_path=False),
    Route("request_catalog", "POST", f"{V3}/catalog/request", "catalog.request", _C),
    Route("request_dataset", "POST", f"{V3}/catalog/dataset/request", "catalog.request_dataset", _C),
    Route("create_contractnegotiations", "POST", _NEGOTIATIONS, "negotiations.create", _C),
    Route("query_contractnegotiations", "POST", f"{_NEGOTIATIONS}/request", "negotiations.query", _S),
    Route("get_contractnegotiations", "GET", f"{_NEGOTIATIONS}/{{id}}", "negotiations.get", _S),
    Route("state_contractnegotiations", "GET", f"{_NEGOTIATIONS}/{{id}}/state", "negotiations.get_state", _S),
    Route(
        "agreement_contractnegotiations", "GET", f"{_NEGOTIATIONS}/{{id}}/agreement", "negotiations.get_agreement", _S
    ),
    Route("terminate_contractnegotiations", "POST", f"{_NEGOTIATIONS}/{{id}}/terminate", "negotiations.terminate", _S),
    Route("query_contractagreements", "POST", f"{_AGREEMENTS}/request", "agreements.query", _S),
    Route("get_contractagreements", "GET", f"{_AGREEMENTS}/{{id}}", "agreements.get", _S),
    Route(
        "negotiation_contractagreements", "GET", f"{_AGREEMENTS}/{{id}}/negotiation", "agreements.get_negotiation", _S
    ),
    Route("create_transferprocesses", "POST", _TRANSFERS, "transfers.create", _C),
    Route("query_transferprocesses", "POST", f"{_TRANSFERS}/request", "transfers.query", _S),
    Route("get_transferprocesses", "GET", f"{_TRANSFERS}/{{id}}", "transfers.get", _S),
    Route("state_transferprocesses", "GET", f"{_TRANSFERS}/{{id}}/state", "transfers.get_state", _S),
    Route("terminate_transferprocesses", "POST", f"{_TRANSFERS}/{{id}}/terminate", "transfers.terminate", _S),
    Route("deprovision_transferprocesses", "POST", f"{_TRANSFERS}/{{id}}/deprovision", "transfers.deprovision", _C),
    Route("create_secrets", "POST", _SECRETS, "secrets.create", _S),
    Route("update_secrets", "PUT", _SECRETS, "secrets.update", _S),
    Route("get_secrets", "GET", f"{_SECRETS}/{{id}}", "secrets.get", _S),
    Route("delete_secrets", "DELETE", f"{_SECRETS}/{{id}}", "secrets.delete", _S),
    Route("create_transferprocess_v1", "POST", RECORD, "transfers.create_for_agreement", _C),
    Route("get_transferprocess_v1", "GET", f"{RECORD}/{{id}}", "transfers.get", _C),
    Route("state_transferprocess_v1", "GET", f"{RECORD}/{{id}}/state", "transfers.get_state", _C),
    Route("deprovision_transferprocess_v1", "POST", f"{RECORD}/{{id}}/deprovision", "transfers.deprovision", _C),
)
