"""Assets, policy definitions, contract definitions and secrets: EDC's shapes, and every fault of a wrong one."""

from typing import Any
from urllib.parse import quote

import pytest

from ferry.domain.secret import Secret
from tests.unit.api.client import EDC_CONTEXT, Client, body_of, client_of, faults_in
from tests.unit.api.forbidden import forbidding
from tests.world.participants import Pair

NS = "https://w3id.org/edc/v0.0.1/ns/"
ADDRESS = {"type": "AzureStorage", "account": "providerdata", "container": "source", "blobName": "data/one.txt"}
URL_ID = "https://assets.example/a?b=1#c%20d"


def asset(**changes: Any) -> dict[str, Any]:
    """An asset as EDC's clients write it."""
    return {
        "@context": EDC_CONTEXT,
        "@type": "Asset",
        "@id": "asset-2",
        "properties": {"name": "one", "contenttype": "text/plain"},
        "dataAddress": {"@type": "DataAddress", **ADDRESS},
        **changes,
    }


def test_created_asset_is_shown_as_edc_shows_it(provider: Client) -> None:
    created = body_of(provider.post("assets", asset(privateProperties={"owner": "me"})))
    assert (created["@type"], created["@id"], created["createdAt"]) == ("IdResponse", "asset-2", 1767225600000)
    assert created["@context"]["@vocab"] == NS

    shown = body_of(provider.get("assets/asset-2"))
    assert shown["properties"] == {"name": "one", "contenttype": "text/plain", "id": "asset-2"}
    assert shown["privateProperties"] == {"owner": "me"}
    assert shown["dataAddress"] == {"@type": "DataAddress", **ADDRESS}


@pytest.mark.parametrize(
    "body",
    [
        {
            "@id": "asset-2",
            f"{NS}properties": [{f"{NS}name": [{"@value": "one"}]}],
            f"{NS}dataAddress": [{f"{NS}{name}": [{"@value": value}] for name, value in ADDRESS.items()}],
        },
        {
            "@id": "asset-2",
            "edc:properties": {"edc:name": "one"},
            "edc:dataAddress": {f"edc:{name}": {"@value": value} for name, value in ADDRESS.items()},
        },
    ],
    ids=["expanded", "prefixed"],
)
def test_asset_in_other_spelling_is_the_same(provider: Client, body: dict[str, Any]) -> None:
    body_of(provider.post("assets", body))
    assert body_of(provider.get("assets/asset-2"))["dataAddress"] == {"@type": "DataAddress", **ADDRESS}
    query = {"filterExpression": {"operandLeft": "name", "operator": "=", "operandRight": "one"}}
    assert [it["@id"] for it in body_of(provider.post("assets/request", query))] == ["asset-2"]


def test_asset_without_id_gets_one(provider: Client) -> None:
    created = body_of(provider.post("assets", {"dataAddress": ADDRESS}))
    assert body_of(provider.get(f"assets/{created['@id']}"))["properties"] == {"id": created["@id"]}


def test_asset_whose_id_is_a_url_is_found_changed_and_deleted(pair: Pair, provider: Client) -> None:
    body_of(provider.post("assets", asset(**{"@id": URL_ID})))
    created_at = body_of(provider.get(f"assets/{quote(URL_ID, safe='')}"))["createdAt"]
    pair.world.clock.advance(5)
    assert provider.put("assets", asset(**{"@id": URL_ID, "properties": {"name": "new"}})).status == 204
    shown = body_of(provider.get(f"assets/{quote(URL_ID, safe='')}"))
    assert (shown["properties"]["name"], shown["createdAt"]) == ("new", created_at)
    assert provider.delete(f"assets/{quote(URL_ID, safe='')}").status == 204
    assert provider.get(f"assets/{quote(URL_ID, safe='')}").status == 404


def test_asset_with_taken_id_is_a_conflict(pair: Pair, provider: Client) -> None:
    body_of(provider.post("assets", asset()))
    pair.world.clock.advance(1)
    (detail,) = body_of(provider.post("assets", asset(properties={"name": "other"})), 409)
    assert (detail["type"], detail["message"]) == ("ObjectConflict", "Asset with ID asset-2 already exists")
    assert body_of(provider.get("assets/asset-2"))["properties"]["name"] == "one"


def test_wrong_asset_is_refused_with_every_fault_and_not_kept(provider: Client) -> None:
    address = {
        "type": "AmazonS3",
        "account": "NOT_AN_ACCOUNT",
        "blobPrefix": "no-slash",
        "blobName": "a/../b",
        "keyName": "under_score",
        "secret": "s3cr3t",
    }
    body = asset(dataAddress=address, properties=["x", "y"], privateProperties={"a": 1})
    answer = provider.post("assets", body)
    assert set(faults_in(answer)) == {
        "properties",
        "dataAddress.type",
        "dataAddress.account",
        "dataAddress.container",
        "dataAddress.blobPrefix",
        "dataAddress.blobName",
        "dataAddress.keyName",
        "dataAddress.secret",
    }
    assert "s3cr3t" not in str(answer.body)
    assert provider.get("assets/asset-2").status == 404


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"dataAddress": None}, "dataAddress"),
        ({"dataAddress": {}}, "dataAddress"),
        ({"dataAddress": "x"}, "dataAddress"),
        ({"@id": 7}, "@id"),
        ({"@id": "x" * 1025}, "@id"),
        ({"@id": "a\nb"}, "@id"),
        ({"properties": {"name": 1}, "privateProperties": {"name": 2}}, "privateProperties.name"),
        ({"dataAddress": {**ADDRESS, "blobName": None}}, "dataAddress.blobName"),
    ],
)
def test_asset_with_one_fault_is_refused_at_its_path(provider: Client, changes: dict[str, Any], path: str) -> None:
    assert list(faults_in(provider.post("assets", asset(**changes)))) == [path]


def test_asset_at_forbidden_endpoint_is_refused(pair: Pair) -> None:
    provider = client_of(pair.provider, check_address=forbidding("internal.test"))
    body = asset(dataAddress={**ADDRESS, "endpoint": "https://internal.test/"})
    assert list(faults_in(provider.post("assets", body))) == ["dataAddress.endpoint"]


def test_asset_under_agreement_cannot_be_deleted(provider: Client) -> None:
    (detail,) = body_of(provider.delete("assets/asset-1"), 409)
    assert detail["type"] == "ObjectConflict"
    assert "contract agreement" in detail["message"]
    body_of(provider.get("assets/asset-1"))


def test_agreement_over_a_foreign_asset_does_not_keep_our_own(consumer: Client) -> None:
    body_of(consumer.post("assets", asset(**{"@id": "asset-1"})))
    assert consumer.delete("assets/asset-1").status == 204


@pytest.mark.parametrize("noun", ["assets", "policydefinitions", "contractdefinitions", "secrets"])
def test_unknown_definition_is_not_found(provider: Client, noun: str) -> None:
    assert body_of(provider.get(f"{noun}/nope"), 404)[0]["type"] == "ObjectNotFound"
    assert body_of(provider.delete(f"{noun}/nope"), 404)[0]["type"] == "ObjectNotFound"


def test_change_of_unknown_definition_is_not_found(provider: Client) -> None:
    assert provider.put("assets", asset()).status == 404
    assert provider.put("policydefinitions/nope", {"policy": {"@type": "Set"}}).status == 404
    definition = {"@id": "nope", "accessPolicyId": "a", "contractPolicyId": "b"}
    assert provider.put("contractdefinitions", definition).status == 404
    assert provider.put("secrets", {"@id": "nope", "value": "x"}).status == 404


def test_policy_is_kept_in_short_terms_and_shown_with_prefixes(pair: Pair, provider: Client) -> None:
    policy = {
        "@context": "http://www.w3.org/ns/odrl.jsonld",
        "@type": "odrl:Set",
        "http://www.w3.org/ns/odrl/2/permission": {
            "odrl:action": {"odrl:type": {"@id": "odrl:use"}},
            "odrl:constraint": {
                "odrl:and": [
                    {
                        "leftOperand": {"@value": "dateTime"},
                        "operator": {"@id": "odrl:lteq"},
                        "rightOperand": {"@value": "2030-01-01T00:00:00Z", "@type": "xsd:dateTime"},
                    }
                ]
            },
        },
    }
    body_of(provider.post("policydefinitions", {"@id": "p2", "policy": policy}))

    kept = pair.provider.core.outside.policies.get("p2")
    leaf = {"leftOperand": "dateTime", "operator": "lteq", "rightOperand": "2030-01-01T00:00:00Z"}
    assert kept is not None
    assert kept.policy == {"@type": "Set", "permission": [{"action": "use", "constraint": [{"and": [leaf]}]}]}
    shown = body_of(provider.get("policydefinitions/p2"))
    (rule,) = shown["policy"]["odrl:permission"]
    assert shown["policy"]["@type"] == "odrl:Set"
    assert rule["odrl:action"] == {"@id": "odrl:use"}
    assert rule["odrl:constraint"][0]["odrl:and"][0]["odrl:operator"] == {"@id": "odrl:lteq"}
    assert provider.put("policydefinitions/p2", shown).status == 204
    again = pair.provider.core.outside.policies.get("p2")
    assert again is not None
    assert {**again.policy, "prohibition": [], "obligation": []} == {**kept.policy, "prohibition": [], "obligation": []}


def test_policy_that_cannot_be_evaluated_is_refused_with_every_fault(provider: Client) -> None:
    rule = {"action": "sell", "constraint": [{"leftOperand": "moon", "operator": "near"}]}
    faults = faults_in(provider.post("policydefinitions", {"policy": {"@type": "Set", "permission": [rule, "x"]}}))
    assert set(faults) == {
        "policy.permission[1]",
        "policy.permission[0].action",
        "policy.permission[0].constraint[0].leftOperand",
        "policy.permission[0].constraint[0].operator",
        "policy.permission[0].constraint[0].rightOperand",
    }


def test_policy_with_terms_that_are_no_names_is_refused(provider: Client) -> None:
    leaf = {"leftOperand": ["a", "b"], "operator": {"a": 1}, "rightOperand": {"a": 1, "b": 2}}
    rule = {"action": "use", "constraint": {"or": [leaf, 7]}}
    faults = faults_in(provider.post("policydefinitions", {"policy": {"@type": "Set", "permission": rule}}))
    assert set(faults) == {
        "policy.permission[0].constraint[0].or[0].leftOperand",
        "policy.permission[0].constraint[0].or[0].operator",
        "policy.permission[0].constraint[0].or[0].rightOperand",
        "policy.permission[0].constraint[0].or[1]",
    }


@pytest.mark.parametrize("policy", [{"@type": ["Set", "Offer"], "permission": []}])
def test_policy_of_two_types_is_refused(provider: Client, policy: Any) -> None:
    assert list(faults_in(provider.post("policydefinitions", {"policy": policy}))) == ["policy.@type"]


@pytest.mark.parametrize("policy", [None, {}, "x", {"@context": "http://www.w3.org/ns/odrl.jsonld"}, {"@type": "Poem"}])
def test_policy_that_is_none_is_refused(provider: Client, policy: Any) -> None:
    faults = faults_in(provider.post("policydefinitions", {"@id": "p3", "policy": policy}))
    assert list(faults) == ["policy.@type" if policy == {"@type": "Poem"} else "policy"]
    assert provider.get("policydefinitions/p3").status == 404


def test_policy_change_under_another_id_is_refused(provider: Client) -> None:
    body = {"@id": "other", "policy": {"@type": "Set"}}
    assert list(faults_in(provider.put("policydefinitions/policy-1", body))) == ["@id"]


def test_policy_in_use_cannot_be_deleted(provider: Client) -> None:
    (detail,) = body_of(provider.delete("policydefinitions/policy-1"), 409)
    assert "contract definition" in detail["message"]
    assert provider.delete("contractdefinitions/cd-1").status == 204
    assert provider.delete("policydefinitions/policy-1").status == 204


def test_contract_definition_is_shown_as_edc_shows_it(pair: Pair, provider: Client) -> None:
    selector = {"@type": "Criterion", "operandLeft": f"{NS}id", "operator": "in", "operandRight": ["a", "b"]}
    body = {"@id": "cd-2", "accessPolicyId": "p", "contractPolicyId": "q", "assetsSelector": selector}
    created_at = body_of(provider.post("contractdefinitions", body))["createdAt"]
    pair.world.clock.advance(60)
    assert provider.put("contractdefinitions", {**body, "contractPolicyId": "r"}).status == 204
    shown = body_of(provider.get("contractdefinitions/cd-2"))
    assert (shown["accessPolicyId"], shown["contractPolicyId"], shown["createdAt"]) == ("p", "r", created_at)
    assert shown["assetsSelector"] == [selector]


def test_wrong_contract_definition_is_refused_with_every_fault(provider: Client) -> None:
    body = {"assetsSelector": [{"operandLeft": "id", "operator": "resembles"}, {"operator": "="}, 5], "@id": "cd-3"}
    assert set(faults_in(provider.post("contractdefinitions", body))) == {
        "accessPolicyId",
        "contractPolicyId",
        "assetsSelector[0].operator",
        "assetsSelector[1].operandLeft",
        "assetsSelector[2]",
    }
    assert provider.get("contractdefinitions/cd-3").status == 404


def test_secret_can_be_put_in_and_taken_out_and_is_never_shown(pair: Pair, provider: Client) -> None:
    vault = pair.provider.core.outside.vault
    body_of(provider.post("secrets", {"@context": EDC_CONTEXT, "@type": "Secret", "@id": "store", "value": "top1"}))
    assert vault.get("store") == Secret("top1")
    assert body_of(provider.post("secrets", {"@id": "store", "value": "top2"}), 409)[0]["type"] == "ObjectConflict"
    assert provider.put("secrets", {"@id": "store", f"{NS}value": [{"@value": "top3"}]}).status == 204
    assert vault.get("store") == Secret("top3")
    shown = body_of(provider.get("secrets/store"))
    assert shown == {"@type": "Secret", "@id": "store", "@context": shown["@context"]}
    assert provider.delete("secrets/store").status == 204
    assert vault.get("store") is None


def test_wrong_secret_is_refused_without_its_value(provider: Client) -> None:
    answer = provider.post("secrets", {"@id": "under_score", "value": {"hidden": "top4"}})
    assert set(faults_in(answer)) == {"@id", "value"}
    assert "top4" not in str(answer.body)


def test_secret_of_a_transfer_is_out_of_reach(pair: Pair, provider: Client) -> None:
    pair.provider.core.outside.vault.store("ferry-sas-1", Secret("sas"))
    assert list(faults_in(provider.post("secrets", {"@id": "ferry-sas-1", "value": "x"}))) == ["@id"]
    assert provider.get("secrets/ferry-sas-1").status == 404
    assert provider.delete("secrets/FERRY-SAS-1").status == 404


def test_signing_key_is_out_of_reach(pair: Pair) -> None:
    vault = pair.provider.core.outside.vault
    vault.store("my-key", Secret("key"))
    provider = client_of(pair.provider, own_secrets=frozenset({"my-key"}))
    assert list(faults_in(provider.post("secrets", {"@id": "my-key", "value": "x"}))) == ["@id"]
    assert list(faults_in(provider.put("secrets", {"@id": "MY-Key", "value": "x"}))) == ["@id"]
    assert provider.get("secrets/my-key").status == 404
    assert provider.delete("secrets/MY-KEY").status == 404
    assert vault.get("my-key") == Secret("key")
