"""ODRL policies as far as blob transfers need them: is this participant, at this time, allowed?

Policies are plain JSON with the short ODRL terms (readers of requests have stripped prefixes). What cannot be evaluated
is refused when a policy is created: `faults_of` names every such place.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ferry.domain.faults import InputFault
from ferry.domain.process import Json, JsonObject

RULES = ("permission", "prohibition", "obligation")
COMBINATIONS = ("and", "or", "xone")
ACTIONS = frozenset({"use", "transfer", "read"})
_NOT_RULE = frozenset({"@type", "target", "assigner", "assignee"})


@dataclass(frozen=True, slots=True)
class PolicyContext:
    """Who asks, when, and what else is known of the request (claims by left operand)."""

    participant_id: str
    now: datetime
    claims: Mapping[str, str] = field(default_factory=dict[str, str])


type Operand = Callable[[PolicyContext], str | None]

# What a constraint can be about. Custom left operands are added here by name.
LEFT_OPERANDS: dict[str, Operand] = {
    "participant": lambda context: context.participant_id,
    "participantId": lambda context: context.participant_id,
    "recipient": lambda context: context.participant_id,
    "dateTime": lambda context: context.now.astimezone(UTC).isoformat(),
    "purpose": lambda context: context.claims.get("purpose"),
}
_TIMES = frozenset({"dateTime"})
# What a rule may hold beside its constraints, and nobody here can see to.
_NOT_EVALUATED = ("duty", "remedy", "consequence")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def _texts(value: Json) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")] if "," in value else [value]
    if isinstance(value, Sequence):
        return [str(part) for part in value]
    return [str(value)]


def _single(value: Json) -> Json:
    """A value that JSON-LD may write as one or as an array of one, as one."""
    return value[0] if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 1 else value


def _ordered(left: str, right: Json, *, as_time: bool) -> int | None:
    """-1, 0 or 1 as left is less than, equal to or more than right; None where they cannot be compared."""
    if as_time:
        one, other = _instant(left), _instant(_single(right))
        return None if one is None or other is None else (one > other) - (one < other)
    text = str(_single(right))
    if _NUMBER.fullmatch(left) and _NUMBER.fullmatch(text):
        return (float(left) > float(text)) - (float(left) < float(text))
    return (left > text) - (left < text)


def _instant(value: Json) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def _equal(left: str, right: Json, *, as_time: bool) -> bool | None:
    """Whether they are the same: ids letter by letter, so that no number passes for another spelling of itself."""
    if as_time:
        order = _ordered(left, right, as_time=True)
        return None if order is None else order == 0
    return left == str(_single(right))


type Comparison = Callable[[str, Json, bool], bool]

OPERATORS: dict[str, Comparison] = {
    "eq": lambda left, right, as_time: _equal(left, right, as_time=as_time) is True,
    "neq": lambda left, right, as_time: _equal(left, right, as_time=as_time) is False,
    "lt": lambda left, right, as_time: _ordered(left, right, as_time=as_time) == -1,
    "lteq": lambda left, right, as_time: _ordered(left, right, as_time=as_time) in (-1, 0),
    "gt": lambda left, right, as_time: _ordered(left, right, as_time=as_time) == 1,
    "gteq": lambda left, right, as_time: _ordered(left, right, as_time=as_time) in (0, 1),
    "isAnyOf": lambda left, right, _: left in _texts(right),
    "isNoneOf": lambda left, right, _: left not in _texts(right),
    "isPartOf": lambda left, right, _: left in _texts(right),
}
_OF_SETS = frozenset({"isAnyOf", "isNoneOf", "isPartOf"})


def as_list(value: Json) -> list[Json]:
    """A value that JSON-LD may write as one or as an array, as an array."""
    if value is None:
        return []
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def _action_of(rule: JsonObject) -> str:
    action = rule.get("action")
    if isinstance(action, Mapping):
        action = action.get("type") or action.get("@id")
    return action if isinstance(action, str) else ""


def normal_rules(policy: JsonObject) -> JsonObject:
    """A policy's rules in one spelling, so that two can be compared: lists, short actions, nothing empty.

    A policy without any rule and one that permits use without constraint are the same.
    """
    rules: dict[str, Json] = {name: [_normal_rule(rule) for rule in _rules(policy, name)] for name in RULES}
    if not rules["permission"] and not rules["prohibition"]:
        rules["permission"] = [{"action": "use"}]
    return rules


def _normal_rule(rule: JsonObject) -> JsonObject:
    told = {key: value for key, value in rule.items() if key not in _NOT_RULE and value not in (None, [], {})}
    normal: dict[str, Json] = {**told, "action": _action_of(rule)}
    constraints = [_normal_constraint(constraint) for constraint in as_list(rule.get("constraint"))]
    normal.pop("constraint", None)
    return {**normal, "constraint": constraints} if constraints else normal


def _normal_constraint(constraint: Json) -> Json:
    if not isinstance(constraint, Mapping):
        return constraint
    normal: dict[str, Json] = {}
    for key, value in constraint.items():
        if key in COMBINATIONS:
            normal[key] = [_normal_constraint(part) for part in as_list(value)]
        elif key != "@type":
            normal[key] = _single(value)
    return normal


def refusal(policy: JsonObject, context: PolicyContext) -> str | None:
    """Why the policy does not let this context use the asset; None where it does.

    Every permission's constraints must hold, and no prohibition's may; an empty policy allows.
    """
    for name, words in (("permission", "permission not given"), ("obligation", "obligation not met")):
        for rule in _rules(policy, name):
            unmet = next((c for c in as_list(rule.get("constraint")) if not _holds(c, context)), None)
            if unmet is not None:
                return f"{words}: {_words(unmet)}"
    for rule in _rules(policy, "prohibition"):
        if all(_holds(constraint, context) for constraint in as_list(rule.get("constraint"))):
            return f"prohibited: {_action_of(rule) or 'use'}"
    return None


def _rules(policy: JsonObject, name: str) -> list[JsonObject]:
    return [rule for rule in as_list(policy.get(name)) if isinstance(rule, Mapping)]


def _holds(constraint: Json, context: PolicyContext) -> bool:
    if not isinstance(constraint, Mapping):
        return False
    for name in COMBINATIONS:
        if name in constraint:
            held = [_holds(part, context) for part in as_list(constraint[name])]
            return all(held) if name == "and" else any(held) if name == "or" else sum(held) == 1
    operand, operator = constraint.get("leftOperand"), constraint.get("operator")
    read = LEFT_OPERANDS.get(operand) if isinstance(operand, str) else None
    compare = OPERATORS.get(operator) if isinstance(operator, str) else None
    left = read(context) if read else None
    if left is None or compare is None:
        return False
    return compare(left, constraint.get("rightOperand"), operand in _TIMES)


def _words(constraint: Json) -> str:
    if not isinstance(constraint, Mapping):
        return "a constraint that is no object"
    for name in COMBINATIONS:
        if name in constraint:
            return f" {name} ".join(f"({_words(part)})" for part in as_list(constraint[name]))
    parts = (constraint.get("leftOperand"), constraint.get("operator"), constraint.get("rightOperand"))
    return " ".join(str(part) for part in parts)


def faults_of(policy: JsonObject, path: str = "policy") -> tuple[InputFault, ...]:
    """Everything in a policy that could not be evaluated."""
    found: list[InputFault] = []
    for name in RULES:
        for number, rule in enumerate(as_list(policy.get(name))):
            place = f"{path}.{name}[{number}]"
            if not isinstance(rule, Mapping):
                found.append(InputFault(place, "a rule is an object"))
                continue
            found.extend(_rule_faults(rule, place))
    return tuple(found)


def _rule_faults(rule: JsonObject, place: str) -> list[InputFault]:
    found: list[InputFault] = []
    action = rule.get("action")
    if _action_of(rule) not in ACTIONS:
        message = f"the action must be one of {', '.join(sorted(ACTIONS))}"
        found.append(InputFault(f"{place}.action", message, _action_of(rule)))
    if isinstance(action, Mapping) and action.get("refinement"):
        found.append(InputFault(f"{place}.action.refinement", "cannot be evaluated here; write a constraint instead"))
    for name in _NOT_EVALUATED:
        if rule.get(name):
            found.append(InputFault(f"{place}.{name}", "cannot be evaluated here; write an obligation or a constraint"))
    for index, constraint in enumerate(as_list(rule.get("constraint"))):
        found.extend(_constraint_faults(constraint, f"{place}.constraint[{index}]"))
    return found


def _constraint_faults(constraint: Json, place: str) -> list[InputFault]:
    if not isinstance(constraint, Mapping):
        return [InputFault(place, "a constraint is an object")]
    named = [name for name in (*COMBINATIONS, "leftOperand") if name in constraint]
    if len(named) > 1:
        return [InputFault(place, f"says {' and '.join(named)} at once; write a constraint for each")]
    for name in COMBINATIONS:
        if name in constraint:
            parts = as_list(constraint[name])
            return [fault for i, part in enumerate(parts) for fault in _constraint_faults(part, f"{place}.{name}[{i}]")]
    found: list[InputFault] = []
    operand, operator = constraint.get("leftOperand"), constraint.get("operator")
    if not isinstance(operand, str) or operand not in LEFT_OPERANDS:
        message = f"cannot be evaluated here; known are {', '.join(sorted(LEFT_OPERANDS))}"
        found.append(InputFault(f"{place}.leftOperand", message, str(operand)))
    if not isinstance(operator, str) or operator not in OPERATORS:
        found.append(InputFault(f"{place}.operator", f"must be one of {', '.join(OPERATORS)}", str(operator)))
    elif operand in _TIMES and operator in _OF_SETS:
        found.append(InputFault(f"{place}.operator", "compares no times", operator))
    right = _single(constraint.get("rightOperand"))
    if right is None:
        found.append(InputFault(f"{place}.rightOperand", "is required"))
    elif operand in _TIMES and operator not in _OF_SETS and _instant(right) is None:
        found.append(InputFault(f"{place}.rightOperand", "is no time, such as 2027-01-01T00:00:00Z", str(right)))
    return found
