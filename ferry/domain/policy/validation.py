"""What could not be evaluated in a policy: every such place is named, so that the policy is refused when it is created.

A duty or an obligation is a condition here: nobody would carry out any other one, so its action must be one of those
that a transfer itself is.
"""

from collections.abc import Iterator, Mapping

from ferry.domain.faults import InputFault
from ferry.domain.json_value import Json, JsonObject
from ferry.domain.policy.operands import LEFT_OPERANDS, Comparison
from ferry.domain.policy.operators import OPERATORS, TIME_OPERATORS
from ferry.domain.policy.terms import ACTIONS, COMBINATIONS, RULES, action_of, as_list, constraints_in, single, term
from ferry.domain.policy.times import after_signing, instant

_INSTEAD = "cannot be evaluated here; write an obligation or a constraint"
_NOT_EVALUATED: Mapping[str, Mapping[str, str]] = {
    "policy": {"inheritsFrom": "cannot be evaluated here; write the inherited rules as well"},
    # An offer or an agreement has its addressee; a policy for all would seem to be for one alone.
    "set": {"assignee": "cannot be evaluated here; write a constraint on participantId"},
    "rule": {
        "remedy": _INSTEAD,
        "consequence": _INSTEAD,
        "assignee": "cannot be evaluated here; write a constraint on participantId",
    },
    "constraint": {
        "rightOperandReference": "cannot be looked up here; write the value as rightOperand",
        "unit": "cannot be evaluated here; write the rightOperand in the operand's own unit",
        "status": "cannot be evaluated here",
    },
}
_IN_ORDER = "cannot be evaluated here, for nothing tells in which order they came to hold; write `and`"


def faults_of(policy: JsonObject, path: str = "policy") -> tuple[InputFault, ...]:
    """Everything in a policy that could not be evaluated."""
    found = [*_unevaluated("policy", policy, path)]
    if policy.get("@type") not in ("Offer", "Agreement"):
        found.extend(_unevaluated("set", policy, path))
    if policy.get("conflict") is not None and term(policy["conflict"]) != "prohibit":
        message = "must be prohibit: a prohibition outweighs every permission here"
        found.append(InputFault(f"{path}.conflict", message, str(policy["conflict"])))
    for name in RULES:
        for number, rule in enumerate(as_list(policy.get(name))):
            found.extend(_rule_faults(rule, f"{path}.{name}[{number}]", may_have_duties=name == "permission"))
    return tuple(found)


def _rule_faults(rule: Json, place: str, *, may_have_duties: bool) -> Iterator[InputFault]:
    if not isinstance(rule, Mapping):
        yield InputFault(place, "a rule is an object")
        return
    action = single(rule.get("action"))
    if action_of(rule) not in ACTIONS:
        message = f"the action must be one of {', '.join(sorted(ACTIONS))}"
        yield InputFault(f"{place}.action", message, action_of(rule))
    if isinstance(action, Mapping) and action.get("refinement"):
        yield InputFault(f"{place}.action.refinement", "cannot be evaluated here; write a constraint instead")
    yield from _unevaluated("rule", rule, place)
    for number, duty in enumerate(as_list(rule.get("duty"))):
        if may_have_duties:
            yield from _rule_faults(duty, f"{place}.duty[{number}]", may_have_duties=False)
        else:
            yield InputFault(f"{place}.duty[{number}]", "only a permission has duties")
    for number, constraint in enumerate(constraints_in(rule)):
        yield from _constraint_faults(constraint, f"{place}.constraint[{number}]")


def _constraint_faults(constraint: Json, place: str) -> Iterator[InputFault]:
    if not isinstance(constraint, Mapping):
        yield InputFault(place, "a constraint is an object")
        return
    named = [name for name in (*COMBINATIONS, "andSequence", "leftOperand") if name in constraint]
    if len(named) > 1:
        yield InputFault(place, f"says {' and '.join(named)} at once; write a constraint for each")
    elif named == ["andSequence"]:
        yield InputFault(f"{place}.andSequence", _IN_ORDER)
    elif named and named[0] in COMBINATIONS:
        yield from _combination_faults(constraint, named[0], place)
    else:
        yield from _unevaluated("constraint", constraint, place)
        yield from _atomic_faults(constraint, place)


def _combination_faults(constraint: JsonObject, name: str, place: str) -> Iterator[InputFault]:
    parts = as_list(constraint[name])
    if not parts:
        yield InputFault(f"{place}.{name}", "combines nothing; leave it out")
    for number, part in enumerate(parts):
        yield from _constraint_faults(part, f"{place}.{name}[{number}]")


def _atomic_faults(constraint: JsonObject, place: str) -> Iterator[InputFault]:
    name, operator = term(constraint.get("leftOperand")), term(constraint.get("operator"))
    operand = LEFT_OPERANDS.get(name) if isinstance(name, str) else None
    if operand is None:
        message = f"cannot be evaluated here; known are {', '.join(sorted(LEFT_OPERANDS))}"
        yield InputFault(f"{place}.leftOperand", message, str(name))
    compared_as = operand.compared_as if operand else Comparison.TEXT
    if operator not in OPERATORS:
        yield InputFault(f"{place}.operator", f"must be one of {', '.join(OPERATORS)}", str(operator))
    elif compared_as is not Comparison.TEXT and operator not in TIME_OPERATORS:
        yield InputFault(f"{place}.operator", "compares no times", str(operator))
        return
    right = single(constraint.get("rightOperand"))
    if right is None:
        yield InputFault(f"{place}.rightOperand", "is required")
    elif not _is_comparable(right, compared_as):
        example = "2027-01-01T00:00:00Z"
        if compared_as is Comparison.AGREEMENT_TIME:
            example += " or contractAgreement+30d (s, m, h or d)"
        yield InputFault(f"{place}.rightOperand", f"is no time, such as {example}", str(right))


def _is_comparable(right: Json, compared_as: Comparison) -> bool:
    match compared_as:
        case Comparison.TEXT:
            return not isinstance(right, Mapping)
        case Comparison.TIME:
            return instant(right) is not None
        case Comparison.AGREEMENT_TIME:
            return instant(right) is not None or after_signing(right) is not None


def _unevaluated(kind: str, holder: JsonObject, place: str) -> Iterator[InputFault]:
    for name, message in _NOT_EVALUATED[kind].items():
        if holder.get(name):
            yield InputFault(f"{place}.{name}", message)
