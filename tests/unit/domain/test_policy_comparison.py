"""Two spellings of one policy are the same policy; two policies are not (see ADR 6)."""

import json
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferry.domain.policy import COMBINATIONS, RULES, PolicyContext, faults_of, normal_rules, refusal, worded_as
from ferry.domain.process import Json, JsonObject
from tests.unit.domain.test_policy import NOW

_names = st.sampled_from(["a", "b", "c"])
_left = st.sampled_from(["participantId", "purpose"])
_ones = _names | st.lists(_names, min_size=1, max_size=1) | st.integers(0, 5)
_some = _ones | st.lists(_names, min_size=1, max_size=3)
_leaves: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"leftOperand": _left, "operator": st.sampled_from(["eq", "neq", "lt"]), "rightOperand": _ones}
) | st.fixed_dictionaries(
    {"leftOperand": _left, "operator": st.sampled_from(["isAnyOf", "isNoneOf"]), "rightOperand": _some}
)


def _combined(name: str, parts: list[Any]) -> dict[str, Any]:
    return {name: parts}


_combinations: st.SearchStrategy[Any] = st.builds(
    _combined, st.sampled_from(COMBINATIONS), st.lists(_leaves, min_size=1, max_size=2)
)
_rules: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"action": st.sampled_from(["use", "transfer", "read"])},
    optional={"constraint": st.lists(_leaves | _combinations, min_size=1, max_size=2)},
)
policies: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={name: st.lists(_rules, min_size=1, max_size=2) for name in RULES}
)


# What another connector may add to a rule.
_EXTRAS: list[dict[str, Any]] = [
    {},
    {"@type": "Permission"},
    {"target": "t"},
    {"assigner": "p", "assignee": "c"},
    {"constraint": []},
    {"duty": []},
]


@st.composite
def respelled(draw: st.DrawFn, policy: dict[str, Any]) -> dict[str, Any]:
    """The same policy as another connector may write it."""
    said: dict[str, Any] = {}
    for name in RULES:
        rules = [_respelled_rule(draw, rule) for rule in policy.get(name, [])]
        if rules:
            said[name] = rules[0] if len(rules) == 1 and draw(st.booleans()) else rules
        elif draw(st.booleans()):
            said[name] = []
    head = draw(st.sampled_from([{}, {"@type": "Offer", "@id": "x", "target": "t", "assigner": "p", "profile": "y"}]))
    return {**head, **said}


def _respelled_rule(draw: st.DrawFn, rule: dict[str, Any]) -> dict[str, Any]:
    action = rule["action"]
    said: dict[str, Any] = {"action": draw(st.sampled_from([action, {"type": action}, {"@id": action}]))}
    constraints = [_respelled_constraint(draw, it) for it in rule.get("constraint", [])]
    if constraints:
        said["constraint"] = constraints[0] if len(constraints) == 1 and draw(st.booleans()) else constraints
    return {**draw(st.sampled_from(_EXTRAS)), **said}


def _respelled_constraint(draw: st.DrawFn, constraint: dict[str, Any]) -> dict[str, Any]:
    for name in COMBINATIONS:
        if name in constraint:
            parts = [_respelled_constraint(draw, part) for part in constraint[name]]
            return {name: parts[0] if len(parts) == 1 and draw(st.booleans()) else parts}
    right: Any = constraint["rightOperand"]
    rights = cast("list[Any]", right) if isinstance(right, list) else [right]
    if len(rights) == 1:
        right = draw(st.sampled_from([rights, rights[0]]))
    return {**draw(st.sampled_from([{}, {"@type": "Constraint"}])), **constraint, "rightOperand": right}


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_other_spelling_of_a_policy_is_the_same_policy(data: st.DataObject) -> None:
    policy = data.draw(policies)
    other = data.draw(respelled(policy))
    assert normal_rules(other) == normal_rules(policy)


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(policies)
def test_normal_rules_are_their_own_normal_rules_and_plain_json(policy: dict[str, Any]) -> None:
    normal = normal_rules(policy)
    assert normal_rules(normal) == normal
    assert json.loads(json.dumps(normal)) == normal


@settings(max_examples=40, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_other_spelling_of_a_policy_decides_the_same(data: st.DataObject) -> None:
    policy = data.draw(policies)
    other = data.draw(respelled(policy))
    context = PolicyContext(data.draw(_names), NOW, {"purpose": data.draw(_names)})
    assert (refusal(policy, context) is None) is (refusal(other, context) is None)
    assert faults_of(policy) == ()


def permitting(operand: str, operator: str, right: str) -> dict[str, Json]:
    constraint: Json = {"leftOperand": operand, "operator": operator, "rightOperand": right}
    return {"permission": [{"action": "use", "constraint": [constraint]}]}


IS_A: JsonObject = {"leftOperand": "participantId", "operator": "eq", "rightOperand": "a"}
EVERYTHING: JsonObject = {
    **permitting("participantId", "eq", "a"),
    "prohibition": [{"action": "transfer"}],
    "obligation": [{"action": "use"}],
}
OTHERS: list[dict[str, Json]] = [
    {"permission": []},
    {"prohibition": []},
    {"obligation": []},
    {"permission": [{"action": "use"}]},
    {"permission": [{"action": "read", "constraint": [IS_A]}]},
    {"permission": [{"action": "use", "constraint": [IS_A, IS_A]}]},
    {"permission": [{"action": "use", "constraint": [{"or": [IS_A]}]}]},
    permitting("participantId", "neq", "a"),
    permitting("participantId", "eq", "b"),
    permitting("purpose", "eq", "a"),
    {"prohibition": [{"action": "use"}]},
    {"prohibition": [{"action": "transfer"}, {"action": "transfer"}]},
    {"obligation": [{"action": "use", "duty": [{"action": "use"}]}]},
]


@pytest.mark.parametrize("changed", OTHERS)
def test_policy_with_any_other_rule_is_another_policy(changed: dict[str, Json]) -> None:
    assert normal_rules({**EVERYTHING, **changed}) != normal_rules(EVERYTHING)


@pytest.mark.parametrize("empty", [{}, {"permission": []}, {"prohibition": None}, {"@type": "Set", "obligation": []}])
def test_policy_without_a_rule_permits_use(empty: JsonObject) -> None:
    assert normal_rules(empty) == normal_rules({"permission": {"action": "use"}})


@pytest.mark.parametrize("ours", [{"permission": []}, {"permission": [{"action": "use"}]}])
@pytest.mark.parametrize("theirs", [{"permission": []}, {"permission": [{"action": "odrl:use"}]}])
def test_use_is_permitted_by_a_rule_where_the_other_side_has_one(ours: JsonObject, theirs: JsonObject) -> None:
    worded = worded_as({"@type": "Set", **ours}, theirs)

    assert worded == ({"@type": "Set", "permission": [{"action": "use"}]} if theirs["permission"] else {"@type": "Set"})
    assert normal_rules(worded) == normal_rules(theirs)


def test_rules_of_ours_are_worded_as_they_are() -> None:
    assert worded_as({"prohibition": [{"action": "use"}]}, EVERYTHING) == {"prohibition": [{"action": "use"}]}


def test_prohibition_alone_permits_nothing_beyond() -> None:
    assert normal_rules({"prohibition": {"action": "use"}})["permission"] == []


@pytest.mark.parametrize("nonsense", [{"permission": "use"}, {"permission": ["use", 7]}, {"prohibition": "x"}])
def test_what_is_no_rule_is_left_out(nonsense: JsonObject) -> None:
    assert normal_rules(nonsense) == normal_rules({})
