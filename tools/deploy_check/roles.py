"""Reads from the compiled templates who holds which role where, and compares it with what may be held.

`allowed_roles.json` says why for each. A role that is not listed is wider than needed, one that is listed and not
assigned is out of date; an assignment without a scope would hold for the whole resource group, and is never right.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

ALLOWED = Path(__file__).with_name("allowed_roles.json")
WHOLE_GROUP = "the whole resource group"
_ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
_WHO = {"appPrincipalId": "the app", "topicPrincipalId": "the event topic"}
_WHERE = {
    "resourceId('Microsoft.Storage/storageAccounts', parameters('hostAccountName'))": "host account",
    "resourceId('Microsoft.Storage/storageAccounts', parameters('dataAccountName'))": "data account",
    "resourceId('Microsoft.KeyVault/vaults', parameters('vaultName'))": "vault",
    "resourceId('Microsoft.Insights/components', parameters('insightsName'))": "application insights",
    "resourceId('Microsoft.Storage/storageAccounts/blobServices/containers', parameters('hostAccountName'),"
    " 'default', parameters('deadLetterContainer'))": "host account, container of dead letters",
    "resourceId('Microsoft.Storage/storageAccounts/queueServices/queues', parameters('dataAccountName'),"
    " 'default', parameters('poisonQueue'))": "data account, poison queue",
}
_VARIABLE = re.compile(r"roleDefinitions', variables\('(\w+)'\)")
_PARAMETER = re.compile(r"\[parameters\('(\w+)'\)\]")

type Template = Mapping[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """Who holds which role where, in words; `role` is the name of a built-in role, or its id where it is unknown."""

    who: str
    role: str
    scope: str


@dataclass(frozen=True, slots=True)
class AllowedRoles:
    """What may be held, with the reason for each; and the built-in roles by id."""

    reasons: Mapping[Grant, str]
    names: Mapping[str, str]


def read_allowed(path: Path = ALLOWED) -> AllowedRoles:
    """The list of what may be held."""
    told: dict[str, Any] = json.loads(path.read_text())
    reasons = {Grant(it["who"], it["role"], it["scope"]): it["why"] for it in told["allowed"]}
    return AllowedRoles(reasons, told["roles"])


def grants(template: Template, names: Mapping[str, str]) -> list[Grant]:
    """Every role that a compiled template and the templates inside of it assign."""
    return sorted(_grant(inner, resource, names) for inner, resource in _assignments(template))


def role_faults(found: Sequence[Grant], allowed: AllowedRoles) -> list[str]:
    """What is held and not allowed, or allowed and not held."""
    wider = [
        f"{it.who} holds {it.role} on {it.scope}, which is not allowed" for it in found if it not in allowed.reasons
    ]
    stale = [f"{it.who} may hold {it.role} on {it.scope}, and does not" for it in allowed.reasons if it not in found]
    return wider + stale


def table(found: Sequence[Grant], allowed: AllowedRoles) -> str:
    """The roles as lines: who, what, where, why."""
    rows = [("who", "role", "scope", "why")]
    rows += [(it.who, it.role, it.scope, allowed.reasons.get(it, "NOT ALLOWED")) for it in found]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join("  ".join([*(row[it].ljust(widths[it]) for it in range(3)), row[3]]) for row in rows)


def _assignments(template: Template) -> Iterator[tuple[Template, Template]]:
    # A list, or named where a template uses newer features of the language.
    resources = cast("list[Template] | dict[str, Template]", template.get("resources", []))
    for resource in resources.values() if isinstance(resources, dict) else resources:
        if resource["type"] == _ASSIGNMENT or resource["type"].endswith("/roleAssignments"):
            yield template, resource
        inner = resource.get("properties", {}).get("template")
        if inner:
            yield from _assignments(inner)


def _grant(template: Template, resource: Template, names: Mapping[str, str]) -> Grant:
    told = resource["properties"]
    principal = _PARAMETER.fullmatch(told["principalId"])
    variable = _VARIABLE.search(told["roleDefinitionId"])
    role = template["variables"][variable.group(1)] if variable else told["roleDefinitionId"]
    scope = resource.get("scope", "").strip("[]")
    return Grant(
        _WHO.get(principal.group(1), principal.group(1)) if principal else told["principalId"],
        names.get(role, role),
        _WHERE.get(scope, scope or WHOLE_GROUP),
    )
