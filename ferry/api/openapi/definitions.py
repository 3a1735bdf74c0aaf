"""The entries of what is defined through the management API: assets, policies, offers, secrets, data planes."""

from ferry.api.openapi.entry import Entry, Many
from ferry.api.openapi.refusals import ERRORS, answers, ask, delete, get, put, query

_NOT_OFFERED = Entry("Not offered: one app is one participant", dict.fromkeys((501, 401, 403, 413, 503), ERRORS))


def _resource(noun: str, kind: str, request: str, *, update: str) -> dict[str, Entry]:
    """The five operations of a resource; `update` is the path of its PUT."""
    base = f"management/{noun}"
    return {
        f"POST {base}": Entry(f"Define: {kind}", answers({200: "IdResponse"}, 400, 409), request),
        f"POST {base}/request": query(noun, kind),
        f"GET {base}/{{id}}": get(f"One {kind}", kind),
        f"PUT {update}": put(f"Replace: {kind}", request),
        f"DELETE {base}/{{id}}": delete(f"Remove: {kind}; not while something refers to it", 409),
    }


_POLICIES, _CONTRACTS = "management/policydefinitions", "management/contractdefinitions"

DEFINITIONS: dict[str, Entry] = {
    **_resource("assets", "Asset", "AssetInput", update="management/assets"),
    **_resource("policydefinitions", "PolicyDefinition", "PolicyInput", update=f"{_POLICIES}/{{id}}"),
    f"POST {_POLICIES}/{{id}}/validate": Entry(
        "Whether a policy can be evaluated, and why not", answers({200: "PolicyValidation"}, 404)
    ),
    f"POST {_POLICIES}/{{id}}/evaluationplan": Entry(
        "What of a policy is evaluated where", answers({200: "PolicyPlan"}, 400, 404), "PolicyScope"
    ),
    **_resource("contractdefinitions", "ContractDefinition", "ContractDefinitionInput", update=_CONTRACTS),
    "POST management/catalog/request": ask("What a provider offers us", "CatalogRequest", "Catalog"),
    "POST management/catalog/dataset/request": ask("One asset of a provider", "DatasetRequest", "Dataset"),
    "POST management/secrets": Entry(
        "Put a secret into the vault", answers({200: "IdResponse"}, 400, 409), "SecretInput"
    ),
    "PUT management/secrets": put("Give a secret a new value", "SecretInput"),
    "GET management/secrets/{id}": get("Whether there is a secret; never its value", "Secret"),
    "DELETE management/secrets/{id}": delete("Delete and purge a secret"),
    "GET management/dataplanes": Entry("The data planes", answers({200: Many("DataPlaneInstance")})),
    "PUT management/dataplanes": Entry("Register a data plane", answers({200: None}, 400, 409), "DataPlaneInput"),
    "DELETE management/dataplanes/{id}": delete("Start no more flows on a data plane", 409),
    "GET management/orphans": Entry(
        "Containers of ours that no process needs any more, among a page of all containers",
        answers({200: Many("Orphan")}, 400, 502),
        queries=("cursor",),
    ),
    "POST management/orphans/remove": Entry(
        "Remove containers that are such; a dry run, unless dryRun is false",
        answers({200: Many("OrphanRemovalResult")}, 400, 502),
        "OrphanRemoval",
    ),
    **{f"{method} management/v5beta/{{*rest}}": _NOT_OFFERED for method in ("GET", "POST", "PUT", "DELETE")},
}
