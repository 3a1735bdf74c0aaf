"""Roles are read from compiled templates, and none is held that the list does not allow."""

from typing import Any

from tools.deploy_check.roles import WHOLE_GROUP, AllowedRoles, Grant, grants, role_faults

OFFICER = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"
NAMES = {OFFICER: "Key Vault Secrets Officer"}
ON_VAULT = Grant("the app", "Key Vault Secrets Officer", "vault")
ALLOWED = AllowedRoles({ON_VAULT: "keeps SAS"}, NAMES)


def assigning(scope: str | None = "[resourceId('Microsoft.KeyVault/vaults', parameters('vaultName'))]") -> Any:
    assignment: dict[str, Any] = {
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "principalId": "[parameters('appPrincipalId')]",
            "roleDefinitionId": "[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', variables('it'))]",
        },
    }
    if scope is not None:
        assignment["scope"] = scope
    return {"variables": {"it": OFFICER}, "resources": [assignment]}


def nested(template: Any) -> Any:
    return {
        "resources": {"inner": {"type": "Microsoft.Resources/deployments", "properties": {"template": template}}},
    }


def test_assignment_in_a_module_is_told_in_words() -> None:
    assert grants(nested(assigning()), NAMES) == [ON_VAULT]


def test_assignment_without_scope_holds_for_the_whole_group() -> None:
    found = grants(assigning(scope=None), NAMES)
    assert [it.scope for it in found] == [WHOLE_GROUP]
    assert len(role_faults([ON_VAULT, *found], ALLOWED)) == 1


def test_assignment_of_a_role_by_id_is_not_overlooked() -> None:
    template = assigning()
    template["resources"][0]["properties"]["roleDefinitionId"] = "/providers/roleDefinitions/owner"
    assert role_faults(grants(template, NAMES), ALLOWED)


def test_roles_as_listed_are_in_order() -> None:
    assert role_faults([ON_VAULT], ALLOWED) == []


def test_listed_role_that_nobody_holds_is_told() -> None:
    assert role_faults([], ALLOWED) == ["the app may hold Key Vault Secrets Officer on vault, and does not"]
