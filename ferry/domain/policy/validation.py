"""What could not be evaluated in a policy: every such place is named, so that the policy is refused when it is created.

A duty or an obligation is a condition here: nobody would carry out any other one, so its action must be one of those
that a transfer itself is.
"""

from collections.abc import Iterator, Mapping

from ferry.domain.faults import InputFault
from ferry.domain.json_value import Json, JsonObject
from ferry.domain.policy.members import addressee, strange_members
from ferry.domain.policy.operands import LEFT_OPERANDS, Comparison
from ferry.domain.policy.operators import OPERATORS, SET_OPERATORS, TIME_OPERATORS
from ferry.domain.policy.terms import (
    ACTIONS,
    COMBINATIONS,
    RULES,
    action_of,
    as_list,
    constraints_in,
    short,
    single,
    term,
)
from ferry.domain.policy.times import after_signing, instant

_IN_ORDER = "cannot be evaluated here, for nothing tells in which order they came to hold; write `and`"


def faults_of(policy: JsonObject, path: str = "policy", *, target: str = "") -> tuple[InputFault, ...]:
    """Everything in a policy that could not be evaluated. `target`: what it is about, where it does not say so."""
    found = [*strange_members("policy", policy, path), *addressee(policy, path)]
    if policy.get("conflict") is not None and term(policy["conflict"]) != "prohibit":
        message = "must be prohibit: a prohibition outweighs every permission here"
        found.append(InputFault(f"{path}.conflict", message, str(policy["conflict"])))
    about = term(policy.get("target")) or target
    for name in RULES:
        for number, rule in enumerate(as_list(policy.get(name))):
            place = f"{path}.{name}[{number}]"
            found.extend(_rule_faults(rule, place, about=about, may_have_duties=name == "permission"))
    return tuple(found)


def _rule_faults(rule: Json, place: str, *, about: Json, may_have_duties: bool) -> Iterator[InputFault]:
    if not isinstance(rule, Mapping):
        yield InputFault(place, "a rule is an object")
        return
    action = single(rule.get("action"))
    if action_of(rule) not in ACTIONS:
        message = f"the action must be one of {', '.join(sorted(ACTIONS))}"
        yield InputFault(f"{place}.action", message, action_of(rule))
    if isinstance(action, Mapping):
        named = {short(name): value for name, value in action.items()}
        yield from strange_members("action", named, f"{place}.action")
    yield from strange_members("rule", rule, place)
    if rule.get("target") and term(rule["target"]) != about:
        message = "is not what the policy is about; leave it out, and let a contract definition select the assets"
        yield InputFault(f"{place}.target", message, str(rule["target"]))
    for number, duty in enumerate(as_list(rule.get("duty"))):
        if may_have_duties:
            yield from _rule_faults(duty, f"{place}.duty[{number}]", about=about, may_have_duties=False)
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
        yield from strange_members("combination", constraint, place)
        yield from _combination_faults(constraint, named[0], place)
    else:
        yield from strange_members("constraint", constraint, place)
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
    yield from _right_faults(constraint.get("rightOperand"), str(operator), compared_as, f"{place}.rightOperand")


def _right_faults(right: Json, operator: str, compared_as: Comparison, place: str) -> Iterator[InputFault]:
    values = as_list(right)
    if right is None:
        yield InputFault(place, "is required")
    elif not values or (operator in SET_OPERATORS and not str(single(right)).strip(" ,")):
        yield InputFault(place, f"is empty: name at least one value for {operator}")
    elif len(values) > 1 and operator not in SET_OPERATORS:
        yield InputFault(place, f"{operator} compares with one value; write isAnyOf or isNoneOf for several")
    elif compared_as is not Comparison.TEXT:
        yield from _time_faults(values[0], compared_as, place)
    else:
        for number, value in enumerate(values):
            if not isinstance(value, str | int | float):
                where = f"{place}[{number}]" if len(values) > 1 else place
                yield InputFault(where, "is no value: write a text, a number, true or false")


def _time_faults(right: Json, compared_as: Comparison, place: str) -> Iterator[InputFault]:
    is_counted = compared_as is Comparison.AGREEMENT_TIME
    if instant(right) is None and not (is_counted and after_signing(right) is not None):
        example = "2027-01-01T00:00:00Z" + (" or contractAgreement+30d (s, m, h or d)" if is_counted else "")
        yield InputFault(place, f"is no time, such as {example}", str(right))
