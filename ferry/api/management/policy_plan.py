"""Whether and how a policy would be evaluated, as EDC's PolicyValidationResult and PolicyEvaluationPlan.

A step is filtered where its operand is not asked in the scope of the plan; everything that is asked has a function.
"""

from collections.abc import Mapping

from ferry.api.management.shapes import CONTEXT
from ferry.domain.policy import LEFT_OPERANDS, PolicyScope, as_list, faults_of
from ferry.domain.policy.terms import action_of, combination_of, constraints_in, rules_in, single, term
from ferry.domain.process import Json, JsonObject

_STEP_OF_COMBINATION = {"and": "AndConstraintStep", "or": "OrConstraintStep", "xone": "XoneConstraintStep"}
_STEPS = {"permission": "PermissionStep", "prohibition": "ProhibitionStep", "obligation": "DutyStep"}


def validation_result(policy: JsonObject) -> dict[str, Json]:
    """What could not be evaluated in a policy, each with its place."""
    errors: list[Json] = [f"{fault.path}: {fault.message}" for fault in faults_of(policy)]
    return {"@type": "PolicyValidationResult", "isValid": not errors, "errors": errors, "@context": CONTEXT}


def evaluation_plan(policy: JsonObject, scope: PolicyScope) -> dict[str, Json]:
    """The plan of a policy in a scope. There are no validators before or after the rules."""
    steps: dict[str, Json] = {
        f"{name}Steps": [_rule_step(rule, _STEPS[name], scope) for rule in rules_in(policy, name)] for name in _STEPS
    }
    return {"@type": "PolicyEvaluationPlan", "preValidators": [], **steps, "postValidators": [], "@context": CONTEXT}


def _rule_step(rule: JsonObject, step: str, scope: PolicyScope) -> Json:
    duties = [duty for duty in as_list(rule.get("duty")) if isinstance(duty, Mapping)]
    with_duties: dict[str, Json] = (
        {"dutySteps": [_rule_step(duty, "DutyStep", scope) for duty in duties]} if step == "PermissionStep" else {}
    )
    return {
        "@type": step,
        "isFiltered": False,
        "filteringReasons": [],
        "ruleFunctions": [action_of(rule)],
        "constraintSteps": [_constraint_step(constraint, scope) for constraint in constraints_in(rule)],
        **with_duties,
    }


def _constraint_step(constraint: Json, scope: PolicyScope) -> Json:
    combined = combination_of(constraint)
    if combined is not None:
        name, parts = combined
        return {
            "@type": _STEP_OF_COMBINATION[name],
            "constraintSteps": [_constraint_step(part, scope) for part in parts],
        }
    told: JsonObject = constraint if isinstance(constraint, Mapping) else {}
    left = str(term(told.get("leftOperand")))
    reasons = _filtering_reasons(left, scope)
    function: dict[str, Json] = {} if reasons else {"functionName": left}
    right = single(told.get("rightOperand"))
    return {
        "@type": "AtomicConstraintStep",
        "isFiltered": bool(reasons),
        "filteringReasons": [*reasons],
        **function,
        "functionParams": [f"'{left}'", str(term(told.get("operator"))).upper(), f"'{right}'"],
    }


def _filtering_reasons(left: str, scope: PolicyScope) -> list[str]:
    operand = LEFT_OPERANDS.get(left)
    if operand is None:
        return [f"leftOperand '{left}' is not bound to any function here, so the constraint never holds"]
    if scope in operand.scopes:
        return []
    later = ", ".join(it.value for it in PolicyScope if it in operand.scopes)
    return [f"leftOperand '{left}' is not bound to scope '{scope.value}'; it is asked in {later}"]
