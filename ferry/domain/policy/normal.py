"""One spelling for the rules of a policy, so that two policies can be compared. (Decision record 6.)"""

from collections.abc import Mapping

from ferry.domain.json_value import Json, JsonObject
from ferry.domain.policy.terms import COMBINATIONS, RULES, action_of, as_list, constraints_in, rules_in, single, term

_NOT_RULE = frozenset({"@type", "target", "assigner", "assignee"})
_TERMS = frozenset({"leftOperand", "operator"})


def normal_rules(policy: JsonObject) -> JsonObject:
    """A policy's rules in one spelling: lists, short terms, nothing empty.

    A policy without any rule and one that permits use without constraint are the same.
    """
    rules: dict[str, Json] = {name: [_rule(rule) for rule in rules_in(policy, name)] for name in RULES}
    if not rules["permission"] and not rules["prohibition"]:
        rules["permission"] = [{"action": "use"}]
    return rules


def worded_as(policy: JsonObject, same: JsonObject) -> JsonObject:
    """A policy that permits `use` by a rule or by having none, as one that means the same does."""
    if not any(rules_in(same, name) for name in RULES):
        return {key: value for key, value in policy.items() if key not in RULES}
    if any(rules_in(policy, name) for name in ("permission", "prohibition")):
        return policy
    return {**policy, "permission": [{"action": "use"}]}


def _rule(rule: JsonObject) -> JsonObject:
    told = {key: value for key, value in rule.items() if key not in _NOT_RULE and value not in (None, [], {})}
    normal: dict[str, Json] = {**told, "action": action_of(rule)}
    if "duty" in told:
        normal["duty"] = [_rule(duty) if isinstance(duty, Mapping) else duty for duty in as_list(told["duty"])]
    constraints = [_constraint(constraint) for constraint in constraints_in(rule)]
    normal.pop("constraint", None)
    return {**normal, "constraint": constraints} if constraints else normal


def _constraint(constraint: Json) -> Json:
    if not isinstance(constraint, Mapping):
        return constraint
    normal: dict[str, Json] = {}
    for key, value in constraint.items():
        if key in COMBINATIONS:
            normal[key] = [_constraint(part) for part in as_list(value)]
        elif key != "@type":
            normal[key] = term(value) if key in _TERMS else single(value)
    return normal
