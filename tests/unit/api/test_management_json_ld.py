"""The forms of JSON-LD that clients send: all of them mean the same asset, policy and contract definition."""

from typing import Any, cast

import pytest

from tests.unit.api.client import EDC_CONTEXT, Client, body_of

EDC = "https://w3id.org/edc/v0.0.1/ns/"
ODRL = "http://www.w3.org/ns/odrl/2/"

BARE: dict[str, Any] = {
    "@context": EDC_CONTEXT,
    "@type": "Asset",
    "@id": "formed",
    "properties": {"name": "Formed", "size": 3, "tags": ["a", "b"]},
    "privateProperties": {"owner": "us"},
    "dataAddress": {
        "@type": "DataAddress",
        "type": "AzureStorage",
        "account": "providerdata",
        "container": "source",
        "blobName": "a b.bin",
    },
}


def prefixed(value: Any, prefix: str) -> Any:
    """The same with every name under a prefix."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {
            name if name.startswith("@") else prefix + name: it if name == "@context" else prefixed(it, prefix)
            for name, it in members.items()
        }
    return [prefixed(item, prefix) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def expanded(value: Any) -> Any:
    """The same as a processor expands it: full IRIs, lists of one, values in `@value`."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {
            name if name.startswith("@") else EDC + name: it if name == "@id" else _listed(name, it)
            for name, it in members.items()
            if name != "@context"
        }
    return {"@value": value}


def _listed(name: str, value: Any) -> Any:
    if name == "@type":
        return [EDC + value]
    items = cast("list[Any]", value) if isinstance(value, list) else [value]
    return [expanded(item) for item in items]


FORMS = {
    "bare": BARE,
    "edc": prefixed({**BARE, "@context": {"edc": EDC}}, "edc:"),
    "own prefix": prefixed({**BARE, "@context": [{"mine": EDC}, {"x": "https://x.example.org/"}]}, "mine:"),
    "own prefix as a term": prefixed({**BARE, "@context": {"mine": {"@id": EDC, "@prefix": True}}}, "mine:"),
    "full names": prefixed(BARE, EDC),
    "expanded": expanded(BARE),
    "set": {**BARE, "properties": {"@set": [BARE["properties"]]}, "dataAddress": [BARE["dataAddress"]]},
    "json literal": {**BARE, "properties": {"@type": "@json", "@value": BARE["properties"]}},
}


@pytest.mark.parametrize("form", FORMS)
def test_asset_in_any_form_is_the_same_asset(provider: Client, form: str) -> None:
    body_of(provider.post("assets", FORMS[form]))

    shown = body_of(provider.get("assets/formed"))

    assert shown["properties"] == {**BARE["properties"], "id": "formed"}
    assert shown["privateProperties"] == {"owner": "us"}
    assert shown["dataAddress"] == BARE["dataAddress"]


def test_property_of_another_vocabulary_keeps_its_name(provider: Client) -> None:
    properties = {"http://purl.org/dc/terms/title": [{"@value": "T", "@language": "en"}], "dct:type": {"@id": "x:y"}}
    body_of(provider.post("assets", {**BARE, "properties": properties}))

    shown = body_of(provider.get("assets/formed"))["properties"]

    assert shown == {"http://purl.org/dc/terms/title": "T", "dct:type": "x:y", "id": "formed"}


@pytest.mark.parametrize(
    "permission",
    [
        {"action": "use", "constraint": {"leftOperand": "participant", "operator": "eq", "rightOperand": "y"}},
        {
            "odrl:action": {"@id": "odrl:use"},
            "odrl:constraint": {
                "odrl:leftOperand": {"@id": "participant"},
                "odrl:operator": {"@id": "odrl:eq"},
                "odrl:rightOperand": "y",
            },
        },
        {
            f"{ODRL}action": [{"@id": f"{ODRL}use"}],
            f"{ODRL}constraint": [
                {
                    f"{ODRL}leftOperand": [{"@id": "participant"}],
                    f"{ODRL}operator": [{"@id": f"{ODRL}eq"}],
                    f"{ODRL}rightOperand": [{"@value": "y"}],
                }
            ],
        },
        {
            "o:action": {"@id": "o:use"},
            "o:constraint": {
                "o:leftOperand": {"@id": "participant"},
                "o:operator": {"@id": "o:eq"},
                "o:rightOperand": "y",
            },
        },
    ],
    ids=["bare", "odrl", "expanded", "own prefix"],
)
def test_policy_in_any_form_is_the_same_policy(provider: Client, permission: dict[str, Any]) -> None:
    policy = {"@type": "odrl:Set", ("o:permission" if "o:action" in permission else "odrl:permission"): permission}
    context = {**EDC_CONTEXT, "o": ODRL}

    body_of(provider.post("policydefinitions", {"@context": context, "@id": "formed", "policy": policy}))

    (shown,) = body_of(provider.get("policydefinitions/formed"))["policy"]["odrl:permission"]
    (constraint,) = shown["odrl:constraint"]
    assert shown["odrl:action"] == {"@id": "odrl:use"}
    assert constraint == {
        "odrl:leftOperand": {"@id": "participant"},
        "odrl:operator": {"@id": "odrl:eq"},
        "odrl:rightOperand": "y",
    }


def test_selector_in_expanded_form_selects(provider: Client) -> None:
    criterion = {
        "@type": [f"{EDC}Criterion"],
        f"{EDC}operandLeft": [{"@value": f"{EDC}id"}],
        f"{EDC}operator": [{"@value": "="}],
        f"{EDC}operandRight": [{"@value": "asset-1"}],
    }
    body = {
        "@id": "formed",
        f"{EDC}accessPolicyId": [{"@value": "policy-1"}],
        f"{EDC}contractPolicyId": [{"@value": "policy-1"}],
        f"{EDC}assetsSelector": [criterion],
    }

    body_of(provider.post("contractdefinitions", body))

    (shown,) = body_of(provider.get("contractdefinitions/formed"))["assetsSelector"]
    assert (shown["operandLeft"], shown["operator"], shown["operandRight"]) == (f"{EDC}id", "=", "asset-1")
