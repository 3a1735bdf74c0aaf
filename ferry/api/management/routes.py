"""The routes of the management API, as data: what the triggers register, each with the role that it belongs to.

One table of operations gives the routes of every version that has them, so that version 4 cannot fall behind version 3.
To add an operation is to add a line to OPERATIONS. This module imports nothing of the connector, so that the triggers
can read it while the app starts.
"""

from dataclasses import dataclass
from enum import StrEnum


class RouteGroup(StrEnum):
    """Whose routes they are: one role's, or those that speak of processes of either."""

    PROVIDER = "provider"
    CONSUMER = "consumer"
    SHARED = "shared"


class ApiVersion(StrEnum):
    """Which version of the API a route speaks: EDC's third and fourth, or the decision record's own paths."""

    V3 = "v3"
    V4 = "v4"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that the API does: a name, method, path below a version's base, handler (`resource.method`), group.

    `body_type`: the JSON-LD type of the body, which version 4 asks for; empty where no body of a type is read.
    """

    name: str
    method: str
    path: str
    handler: str
    group: RouteGroup
    body_type: str = ""
    versions: tuple[ApiVersion, ...] = (ApiVersion.V3, ApiVersion.V4)


@dataclass(frozen=True, slots=True)
class Route:
    """One route: a name for its function, method, path below the host's prefix, and handler (`resource.method`)."""

    name: str
    method: str
    path: str
    handler: str
    group: RouteGroup
    version: ApiVersion = ApiVersion.V3
    body_type: str = ""


BASES: dict[ApiVersion, str] = {
    ApiVersion.V3: "management/v3",
    ApiVersion.V4: "management/v4",
    ApiVersion.RECORD: "v1/data",
}
# Not one app's business: version 5 is about many participants behind one API. {*rest} is whatever follows.
NOT_OFFERED_PATH = "management/v5beta/{*rest}"

_P, _C, _S = RouteGroup.PROVIDER, RouteGroup.CONSUMER, RouteGroup.SHARED
_V3, _V4, _RECORD = (ApiVersion.V3,), (ApiVersion.V4,), (ApiVersion.RECORD,)
_QUERY = "QuerySpec"


def _definitions(noun: str, resource: str, body_type: str, *, id_in_path: bool) -> tuple[Operation, ...]:
    """The five operations of a resource that a provider defines; a PUT names it in its body or in its path."""
    put = f"{noun}/{{id}}" if id_in_path else noun
    return (
        Operation(f"create_{noun}", "POST", noun, f"{resource}.create", _P, body_type),
        Operation(f"query_{noun}", "POST", f"{noun}/request", f"{resource}.query", _P, _QUERY),
        Operation(f"get_{noun}", "GET", f"{noun}/{{id}}", f"{resource}.get", _P),
        Operation(f"update_{noun}", "PUT", put, f"{resource}.update", _P, body_type),
        Operation(f"delete_{noun}", "DELETE", f"{noun}/{{id}}", f"{resource}.delete", _P),
    )


def _process(noun: str, resource: str, verb: str, group: RouteGroup = _S, body_type: str = "") -> Operation:
    """An order to one process: POST /{id}/{verb}."""
    return Operation(f"{verb}_{noun}", "POST", f"{noun}/{{id}}/{verb}", f"{resource}.{verb}", group, body_type)


_N, _A, _T, _R = "contractnegotiations", "contractagreements", "transferprocesses", "transferprocess"

_NEGOTIATIONS = (
    Operation(f"create_{_N}", "POST", _N, "negotiations.create", _C, "ContractRequest"),
    Operation(f"query_{_N}", "POST", f"{_N}/request", "negotiations.query", _S, _QUERY),
    Operation(f"get_{_N}", "GET", f"{_N}/{{id}}", "negotiations.get", _S),
    Operation(f"state_{_N}", "GET", f"{_N}/{{id}}/state", "negotiations.get_state", _S),
    Operation(f"delete_{_N}", "DELETE", f"{_N}/{{id}}", "negotiations.delete", _S),
    Operation(f"agreement_{_N}", "GET", f"{_N}/{{id}}/agreement", "negotiations.get_agreement", _S),
    _process(_N, "negotiations", "terminate", body_type="TerminateNegotiation"),
    Operation(f"begin_offer_{_N}", "POST", f"{_N}/offers", "negotiations.create_offer", _P, "ContractOffer"),
    *(_process(_N, "negotiations", it) for it in ("offer", "request", "accept", "agree", "verify", "finalize")),
)

_AGREEMENTS = (
    Operation(f"query_{_A}", "POST", f"{_A}/request", "agreements.query", _S, _QUERY),
    Operation(f"get_{_A}", "GET", f"{_A}/{{id}}", "agreements.get", _S),
    Operation(f"negotiation_{_A}", "GET", f"{_A}/{{id}}/negotiation", "agreements.get_negotiation", _S),
)

_TRANSFERS = (
    Operation(f"create_{_T}", "POST", _T, "transfers.create", _C, "TransferRequest"),
    Operation(f"query_{_T}", "POST", f"{_T}/request", "transfers.query", _S, _QUERY),
    Operation(f"get_{_T}", "GET", f"{_T}/{{id}}", "transfers.get", _S),
    Operation(f"state_{_T}", "GET", f"{_T}/{{id}}/state", "transfers.get_state", _S),
    Operation(f"progress_{_T}", "GET", f"{_T}/{{id}}/progress", "transfers.get_progress", _S),
    _process(_T, "transfers", "terminate", body_type="TerminateTransfer"),
    _process(_T, "transfers", "suspend", body_type="SuspendTransfer"),
    _process(_T, "transfers", "resume"),
    _process(_T, "transfers", "complete"),
    _process(_T, "transfers", "deprovision", _C),
)

_EDRS = (
    Operation("query_edrs", "POST", "edrs/request", "edrs.query", _C, _QUERY, _V3),
    Operation("address_edrs", "GET", "edrs/{id}/dataaddress", "edrs.get_address", _C, versions=_V3),
    Operation("delete_edrs", "DELETE", "edrs/{id}", "edrs.delete", _C, versions=_V3),
)

_PLANES = (
    Operation("list_dataplanes", "GET", "dataplanes", "data_planes.list_all", _P),
    Operation("register_dataplanes", "PUT", "dataplanes", "data_planes.register", _P, versions=_V4),
    Operation("delete_dataplanes", "DELETE", "dataplanes/{id}", "data_planes.unregister", _P, versions=_V4),
)

_SECRETS = (
    Operation("create_secrets", "POST", "secrets", "secrets.create", _S, "Secret"),
    Operation("update_secrets", "PUT", "secrets", "secrets.update", _S, "Secret"),
    Operation("get_secrets", "GET", "secrets/{id}", "secrets.get", _S),
    Operation("delete_secrets", "DELETE", "secrets/{id}", "secrets.delete", _S),
)

_ORPHANS = (
    Operation("list_orphans", "GET", "orphans", "orphans.find", _C),
    Operation("remove_orphans", "POST", "orphans/remove", "orphans.remove", _C, "OrphanRemoval"),
)

_OF_THE_RECORD = (
    Operation(f"create_{_R}_v1", "POST", _R, "transfers.create_for_agreement", _C, versions=_RECORD),
    Operation(f"get_{_R}_v1", "GET", f"{_R}/{{id}}", "transfers.get", _C, versions=_RECORD),
    Operation(f"state_{_R}_v1", "GET", f"{_R}/{{id}}/state", "transfers.get_state", _C, versions=_RECORD),
    Operation(f"progress_{_R}_v1", "GET", f"{_R}/{{id}}/progress", "transfers.get_progress", _C, versions=_RECORD),
    Operation(
        f"deprovision_{_R}_v1", "POST", f"{_R}/{{id}}/deprovision", "transfers.deprovision", _C, versions=_RECORD
    ),
)

OPERATIONS: tuple[Operation, ...] = (
    *_definitions("assets", "assets", "Asset", id_in_path=False),
    *_definitions("policydefinitions", "policies", "PolicyDefinition", id_in_path=True),
    _process("policydefinitions", "policies", "validate", _P),
    Operation(
        "evaluationplan_policydefinitions",
        "POST",
        "policydefinitions/{id}/evaluationplan",
        "policies.evaluation_plan",
        _P,
        "PolicyEvaluationPlanRequest",
    ),
    *_definitions("contractdefinitions", "contract_definitions", "ContractDefinition", id_in_path=False),
    Operation("request_catalog", "POST", "catalog/request", "catalog.request", _C, "CatalogRequest"),
    Operation("request_dataset", "POST", "catalog/dataset/request", "catalog.request_dataset", _C, "DatasetRequest"),
    *_NEGOTIATIONS,
    *_AGREEMENTS,
    *_TRANSFERS,
    *_EDRS,
    *_PLANES,
    *_SECRETS,
    *_ORPHANS,
    *_OF_THE_RECORD,
)


def _routes(operation: Operation) -> tuple[Route, ...]:
    """The routes of an operation: one for each version that has it."""
    return tuple(
        Route(
            name=f"{operation.name}_v4" if version is ApiVersion.V4 else operation.name,
            method=operation.method,
            path=f"{BASES[version]}/{operation.path}",
            handler=operation.handler,
            group=operation.group,
            version=version,
            body_type=operation.body_type,
        )
        for version in operation.versions
    )


NOT_OFFERED: tuple[Route, ...] = tuple(
    Route(f"not_offered_{method.lower()}", method, NOT_OFFERED_PATH, "not_offered.answer", _S)
    for method in ("GET", "POST", "PUT", "DELETE")
)

MANAGEMENT_ROUTES: tuple[Route, ...] = (
    *(route for operation in OPERATIONS for route in _routes(operation)),
    *NOT_OFFERED,
)
