"""ODRL policies as the management API takes and shows them.

Inside, a policy is plain JSON with short terms: lists of rules, actions and operators as bare names. So a policy that a
client wrote and the same one that came back over the wire are equal. Only EDC's own operands keep their namespace.
"""

from collections.abc import Mapping

from ferry.api.management.body import is_list
from ferry.domain.data_address import EDC_NAMESPACE
from ferry.domain.faults import InputFault, InvalidInput
from ferry.domain.policy import ACTIONS, COMBINATIONS, EDC_OPERANDS, RULES, as_list, faults_of
from ferry.domain.process import Json, JsonObject
from ferry.protocol.reader import child_path, read
from ferry.protocol.terms import short_term

_TYPES = frozenset({"Set", "Offer", "Agreement", "Policy"})
_REFERENCES = frozenset({"action", "operator"})
_BARE_REFERENCES = frozenset({"leftOperand", "target"})


def read_policy(raw: JsonObject, path: str = "policy") -> dict[str, Json]:
    """A policy in short terms. Raises InvalidInput with every fault of its shape, evaluable or not."""
    policy, faults = _short_policy(raw, path)
    for name in RULES:
        for number, rule in enumerate(as_list(policy.get(name))):
            faults.extend(_rule_faults(rule, f"{path}.{name}[{number}]"))
    if faults:
        raise InvalidInput(tuple(faults))
    return policy


def read_evaluable_policy(raw: JsonObject, path: str = "policy") -> dict[str, Json]:
    """A policy in short terms. Raises InvalidInput with everything in it that could not be evaluated."""
    policy, faults = _short_policy(raw, path)
    faults.extend(faults_of(policy, path))
    if faults:
        raise InvalidInput(tuple(faults))
    return policy


def _short_policy(raw: JsonObject, path: str) -> tuple[dict[str, Json], list[InputFault]]:
    """A policy in short terms, whatever stands in its rules, and what is wrong with its type."""
    if not raw.keys() - {"@context", "@id"}:
        raise InvalidInput.at(path, "is empty: a policy has an @type, and rules if it is to restrict anything")
    try:
        policy = dict(read(raw))
    except InvalidInput as error:
        raise InvalidInput(tuple(_fault_below(path, fault) for fault in error.faults)) from None
    faults: list[InputFault] = []
    stated = policy.setdefault("@type", "Set")
    if not isinstance(stated, str) or stated not in _TYPES:
        faults.append(InputFault(f"{path}.@type", f"must be one of {', '.join(sorted(_TYPES))}"))
    for name in RULES:
        if name in policy:
            policy[name] = [_rule(rule) if isinstance(rule, Mapping) else rule for rule in as_list(policy[name])]
    return policy, faults


def shown_policy(policy: JsonObject, policy_type: str = "Set") -> dict[str, Json]:
    """A policy with prefixed terms, as EDC's management API writes it; rules are always lists."""
    rules: dict[str, Json] = {f"odrl:{name}": _prefixed(as_list(policy.get(name))) for name in RULES}
    stated = policy.get("@type")
    head = {"@id": policy["@id"]} if isinstance(policy.get("@id"), str) else {}
    others = {
        _term(name): _shown_member(name, value)
        for name, value in policy.items()
        if name not in RULES and not name.startswith("@")
    }
    return {**head, "@type": f"odrl:{stated if isinstance(stated, str) else policy_type}", **rules, **others}


def _fault_below(path: str, fault: InputFault) -> InputFault:
    return InputFault(path if fault.path == "$" else child_path(path, fault.path), fault.message, fault.value)


def _rule_faults(rule: Json, place: str) -> list[InputFault]:
    if not isinstance(rule, Mapping):
        return [InputFault(place, "a rule is an object")]
    constraints = enumerate(as_list(rule.get("constraint")))
    return [fault for number, it in constraints for fault in _term_faults(it, f"{place}.constraint[{number}]")]


def _term_faults(constraint: Json, place: str) -> list[InputFault]:
    """Terms are names: whatever else stands in their place cannot even be looked up."""
    if not isinstance(constraint, Mapping):
        return [InputFault(place, "a constraint is an object")]
    found = [
        InputFault(f"{place}.{name}", "must be a string")
        for name in ("leftOperand", "operator")
        if not isinstance(constraint.get(name, ""), str)
    ]
    for name in COMBINATIONS:
        for number, part in enumerate(as_list(constraint.get(name))):
            found.extend(_term_faults(part, f"{place}.{name}[{number}]"))
    return found


def _rule(rule: JsonObject) -> JsonObject:
    changed = dict(rule)
    if "action" in rule:
        changed["action"] = _action(rule["action"])
    if "constraint" in rule:
        changed["constraint"] = [_constraint(it) for it in as_list(rule["constraint"])]
    if "duty" in rule:
        changed["duty"] = [_rule(duty) if isinstance(duty, Mapping) else duty for duty in as_list(rule["duty"])]
    return changed


def _action(action: Json) -> Json:
    """`use`, however it was written: alone in a list, as an object with a type, in capitals."""
    if is_list(action) and len(action) == 1:
        action = action[0]
    if isinstance(action, Mapping) and len(action) == 1:
        action = next(iter(action.values()))
    if not isinstance(action, str):
        return action
    name = short_term(action)
    return name.lower() if name.lower() in ACTIONS else name


def _constraint(constraint: Json) -> Json:
    if not isinstance(constraint, Mapping):
        return constraint
    changed = dict(constraint)
    right = constraint.get("rightOperand")
    # Expanded JSON-LD has every value in a list, and a list of one is that one.
    if is_list(right) and len(right) == 1:
        changed["rightOperand"] = right[0]
    left = constraint.get("leftOperand")
    if isinstance(left, str) and left in EDC_OPERANDS:
        changed["leftOperand"] = EDC_NAMESPACE + left
    for name in COMBINATIONS:
        if name in constraint:
            changed[name] = [_constraint(part) for part in as_list(constraint[name])]
    return changed


def _shown_member(name: str, value: Json) -> Json:
    if isinstance(value, str) and name in _REFERENCES:
        return {"@id": value if ":" in value else f"odrl:{value}"}
    if isinstance(value, str) and name in _BARE_REFERENCES:
        return {"@id": f"edc:{value.removeprefix(EDC_NAMESPACE)}" if value.startswith(EDC_NAMESPACE) else value}
    return value if name == "rightOperand" else _prefixed(value)


def _prefixed(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {_term(name): _shown_member(name, inner) for name, inner in value.items()}
    return [_prefixed(item) for item in value] if is_list(value) else value


def _term(name: str) -> str:
    return name if ":" in name or name.startswith("@") else f"odrl:{name}"
