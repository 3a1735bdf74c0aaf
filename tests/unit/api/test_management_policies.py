"""What a client can learn of a policy, and of another participant's catalog, page by page."""

from typing import Any

import pytest

from ferry.domain.contracts import Asset, ContractDefinition, PolicyDefinition
from ferry.domain.data_address import EDC_NAMESPACE, SourceAddress
from ferry.domain.process import Json, JsonObject
from ferry.protocol.catalog_pages import linked_pages
from tests.unit.api.client import Client, body_of, counter_party, faults_in
from tests.world.participants import STARTED_AT, Pair

ME: JsonObject = {"leftOperand": "participantId", "operator": "eq", "rightOperand": "consumer"}
WHILE: JsonObject = {"leftOperand": "inForceDate", "operator": "lteq", "rightOperand": "contractAgreement+30d"}
WHY: JsonObject = {"leftOperand": "purpose", "operator": "isAnyOf", "rightOperand": ["research", "teaching"]}
PLAN_TYPE = {"@type": "PolicyEvaluationPlanRequest"}


def permits(*constraints: Json) -> dict[str, Any]:
    return {"@type": "Set", "permission": [{"action": "use", "constraint": list(constraints)}]}


def create(provider: Client, policy: dict[str, Any]) -> None:
    body_of(provider.post("policydefinitions", {"@id": "p9", "policy": policy}))


def test_policy_that_was_let_in_is_valid(provider: Client) -> None:
    create(provider, permits(ME, WHILE))
    result = body_of(provider.post("policydefinitions/p9/validate"))
    assert {name: result[name] for name in ("@type", "isValid", "errors")} == {
        "@type": "PolicyValidationResult",
        "isValid": True,
        "errors": [],
    }


def test_policy_of_an_older_version_is_told_what_is_wrong_with_it(pair: Pair, provider: Client) -> None:
    old: JsonObject = {"permission": [{"action": "use", "constraint": [{**ME, "operator": "like"}, {"or": [7]}]}]}
    pair.provider.core.outside.policies.create("old", PolicyDefinition("old", STARTED_AT, old))
    result = body_of(provider.post("policydefinitions/old/validate"))
    assert result["isValid"] is False
    places = [error.partition(": ")[0] for error in result["errors"]]
    assert places == ["policy.permission[0].constraint[0].operator", "policy.permission[0].constraint[1].or[0]"]


@pytest.mark.parametrize("verb", ["validate", "evaluationplan"])
def test_policy_that_is_not_there_is_a_404(provider: Client, verb: str) -> None:
    assert provider.post(f"policydefinitions/nope/{verb}", {"policyScope": "catalog"}).status == 404


@pytest.mark.parametrize("body", [{}, {"policyScope": ""}, {"policyScope": "request.catalog"}, {"policyScope": 7}])
def test_plan_is_for_a_scope_that_there_is(provider: Client, body: dict[str, Any]) -> None:
    create(provider, permits(ME))
    assert list(faults_in(provider.post("policydefinitions/p9/evaluationplan", body))) == ["policyScope"]


@pytest.mark.parametrize(
    ("scope", "filtered"),
    [
        ("catalog", {"inForceDate", "purpose"}),
        ("contract.negotiation", {"inForceDate"}),
        ("transfer.process", set[str]()),
        ("policy.monitor", set[str]()),
    ],
)
def test_plan_says_what_is_asked_in_a_scope(provider: Client, scope: str, filtered: set[str]) -> None:
    create(provider, permits(ME, {"or": [WHILE, {"xone": [WHY]}]}))
    plan = body_of(provider.post("policydefinitions/p9/evaluationplan", {**PLAN_TYPE, "policyScope": scope}))
    assert (plan["@type"], plan["preValidators"], plan["postValidators"]) == ("PolicyEvaluationPlan", [], [])
    (rule,) = plan["permissionSteps"]
    assert (rule["@type"], rule["isFiltered"], rule["ruleFunctions"]) == ("PermissionStep", False, ["use"])
    atomic, either = rule["constraintSteps"]
    assert atomic["functionParams"] == ["'participantId'", "EQ", "'consumer'"]
    period, one = either["constraintSteps"]
    assert (either["@type"], one["@type"]) == ("OrConstraintStep", "XoneConstraintStep")
    (purpose,) = one["constraintSteps"]
    steps = {"participantId": atomic, "inForceDate": period, "purpose": purpose}
    assert {name for name, step in steps.items() if step["isFiltered"]} == filtered
    for name, step in steps.items():
        assert bool(step["filteringReasons"]) is step["isFiltered"]
        assert step.get("functionName") == (None if step["isFiltered"] else name)


def test_plan_shows_duties_prohibitions_and_obligations(provider: Client) -> None:
    rule = {"action": "use", "constraint": ME}
    policy = {"@type": "Set", "permission": {**rule, "duty": rule}, "prohibition": rule, "obligation": [rule]}
    create(provider, policy)
    plan = body_of(provider.post("policydefinitions/p9/evaluationplan", {"policyScope": "catalog"}))
    assert [it["@type"] for it in plan["permissionSteps"][0]["dutySteps"]] == ["DutyStep"]
    assert [it["@type"] for it in plan["prohibitionSteps"]] == ["ProhibitionStep"]
    assert [it["@type"] for it in plan["obligationSteps"]] == ["DutyStep"]


@pytest.mark.parametrize("name", ["inForceDate", "edc:inForceDate", f"{EDC_NAMESPACE}inForceDate"])
def test_operand_of_edc_keeps_its_namespace_on_its_way(pair: Pair, provider: Client, name: str) -> None:
    create(provider, permits({**WHILE, "leftOperand": name}))
    kept = pair.provider.core.outside.policies.get("p9")
    assert kept is not None
    assert f"'{EDC_NAMESPACE}inForceDate'" in str(kept.policy)
    shown = body_of(provider.get("policydefinitions/p9"))["policy"]["odrl:permission"][0]["odrl:constraint"][0]
    assert shown["odrl:leftOperand"] == {"@id": "edc:inForceDate"}


# --- another participant's catalog ------------------------------------------------------------------------------


@pytest.fixture
def pages(pair: Pair) -> Pair:
    """Five assets for all."""
    outside = pair.provider.core.outside
    for number in range(4):
        address = SourceAddress("providerdata", "source", None, "")
        outside.assets.create(f"b{number}", Asset(f"b{number}", STARTED_AT, address))
    outside.contract_definitions.create("all", ContractDefinition("all", STARTED_AT, "policy-1", "policy-1"))
    return pair


def ids_in(answer: Any) -> list[str]:
    return [it["@id"] for it in body_of(answer)["dataset"]]


def test_catalog_is_paged_by_the_query_and_tells_the_providers_links(pages: Pair, consumer: Client) -> None:
    asking = {**counter_party(pages), "querySpec": {"offset": 1, "limit": 2}}
    answer = consumer.post("catalog/request", asking)
    assert ids_in(answer) == ["b0", "b1"]
    links = linked_pages(answer.headers["Link"])
    assert ids_in(consumer.post("catalog/request", {**counter_party(pages), "pageUrl": links["next"]})) == ["b2", "b3"]
    assert (
        ids_in(consumer.post("catalog/request", {**counter_party(pages), "pageUrl": links["previous"]}))[0] == "asset-1"
    )


@pytest.mark.parametrize(
    "url", ["http://elsewhere.test/catalog/request?x=1", "http://provider.test/api/dsp/2025-1evil/x", "x", 7]
)
def test_page_of_somebody_else_is_not_asked_for(pages: Pair, consumer: Client, url: Any) -> None:
    assert list(faults_in(consumer.post("catalog/request", {**counter_party(pages), "pageUrl": url}))) == ["pageUrl"]
