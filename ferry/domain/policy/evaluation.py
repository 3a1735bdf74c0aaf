"""Is this participant, with this request, at this time, allowed? Every permission must hold, and no prohibition may.

A constraint holds, fails, is open (its operand is not asked in this scope yet, as a period of validity before there is
an agreement), or is unknown (a claim that the request does not make). What is open does not stand in the way until it
is asked; what is unknown never speaks for the one who asks, neither in a permission nor against a prohibition.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum

from ferry.domain.json_value import Json, JsonObject
from ferry.domain.policy.operands import LEFT_OPERANDS, LeftOperand, PolicyContext
from ferry.domain.policy.operators import OPERATORS, SET_OPERATORS, TIME_OPERATORS, compares_texts, compares_times
from ferry.domain.policy.terms import action_of, as_list, combination_of, constraints_in, rules_in, single, term, words
from ferry.domain.policy.times import bound


class Truth(IntEnum):
    """What a constraint says, in an order in which `and` is the least of its parts and `or` the greatest."""

    FAILS = 0
    UNKNOWN = 1
    OPEN = 2
    HOLDS = 3


def refusal(policy: JsonObject, context: PolicyContext) -> str | None:
    """Why the policy does not let this context use the asset; None where it does, as an empty one does."""
    for rule in rules_in(policy, "permission"):
        reason = _unmet(rule, context, "permission not given")
        duties = [duty for duty in as_list(rule.get("duty")) if isinstance(duty, Mapping)]
        reason = reason or next(filter(None, (_unmet(duty, context, "duty not met") for duty in duties)), None)
        if reason is not None:
            return reason
    for rule in rules_in(policy, "obligation"):
        reason = _unmet(rule, context, "obligation not met")
        if reason is not None:
            return reason
    return next(filter(None, (_prohibited(rule, context) for rule in rules_in(policy, "prohibition"))), None)


def truth_of(constraint: Json, context: PolicyContext) -> Truth:
    """What a constraint says in this context."""
    combined = combination_of(constraint)
    if combined is not None:
        name, parts = combined
        return _combined(name, [truth_of(part, context) for part in parts])
    if not isinstance(constraint, Mapping):
        return Truth.UNKNOWN
    name, operator = term(constraint.get("leftOperand")), term(constraint.get("operator"))
    operand = LEFT_OPERANDS.get(name) if isinstance(name, str) else None
    if operand is None or operator not in OPERATORS or not isinstance(operator, str):
        return Truth.UNKNOWN
    if context.scope not in operand.scopes:
        return Truth.OPEN
    held = _compared(operand, operator, constraint.get("rightOperand"), context)
    return Truth.UNKNOWN if held is None else Truth.HOLDS if held else Truth.FAILS


def _unmet(rule: JsonObject, context: PolicyContext, what: str) -> str | None:
    unmet = next((it for it in constraints_in(rule) if truth_of(it, context) < Truth.OPEN), None)
    return None if unmet is None else f"{what}: {words(unmet)}"


def _prohibited(rule: JsonObject, context: PolicyContext) -> str | None:
    constraints = constraints_in(rule)
    held = min((truth_of(it, context) for it in constraints), default=Truth.HOLDS)
    action = action_of(rule) or "use"
    if held is Truth.UNKNOWN:
        return f"prohibited: {action}, unless it is known not to be so: {' and '.join(map(words, constraints))}"
    return f"prohibited: {action}" if held is Truth.HOLDS else None


def _combined(name: str, parts: list[Truth]) -> Truth:
    if name == "and":
        return min(parts, default=Truth.HOLDS)
    if name == "or":
        return max(parts, default=Truth.FAILS)
    held = parts.count(Truth.HOLDS)
    undecided = [part for part in parts if part in (Truth.UNKNOWN, Truth.OPEN)]
    if held > 1 or not undecided:
        return Truth.HOLDS if held == 1 else Truth.FAILS
    return min(undecided)


def _compared(operand: LeftOperand, operator: str, right: Json, context: PolicyContext) -> bool | None:
    """Whether it holds; None where one of both sides is not known."""
    left = operand.read(context)
    if isinstance(left, datetime):
        moment = bound(single(right), context.signed_at)
        return None if moment is None or operator not in TIME_OPERATORS else compares_times(operator, left, moment)
    # Policies that an older version has let in, and those of others, may compare with a list or with nothing.
    is_one = isinstance(single(right), str | int | float)
    if left is None or (operator not in SET_OPERATORS and not is_one):
        return None
    return compares_texts(operator, left, right)
