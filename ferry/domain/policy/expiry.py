"""When an agreement runs out: the first moment from which its policy refuses what it allows now."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ferry.domain.json_value import Json, JsonObject
from ferry.domain.policy.evaluation import refusal
from ferry.domain.policy.operands import LEFT_OPERANDS, Comparison, PolicyContext, PolicyScope
from ferry.domain.policy.terms import RULES, as_list, combination_of, constraints_in, rules_in, single, term
from ferry.domain.policy.times import bound

_TICK = timedelta(microseconds=1)
_LAST = datetime.max.replace(tzinfo=UTC)


def ends_at(policy: JsonObject, context: PolicyContext) -> datetime | None:
    """The first moment after `context.now` at which the policy refuses this context; None where it never does.

    Between two of the moments that it names, a policy says the same all the time: it is asked at each of them, and
    right after. One that refuses already has no end that could still come.
    """
    if refusal(policy, context) is not None:
        return None
    later = _changes(policy, context)
    return next((it for it in later if refusal(policy, replace(context, now=it)) is not None), None)


def never_allows(policy: JsonObject, context: PolicyContext) -> bool:
    """Whether the policy refuses this context at `context.now` and for ever after."""
    moments = (context.now, *_changes(policy, context))
    return all(refusal(policy, replace(context, now=it)) is not None for it in moments)


def refusal_of_agreement(policy: JsonObject, context: PolicyContext) -> str | None:
    """Why this context may not have an agreement under the policy; one that could never be used is refused, too."""
    reason = refusal(policy, context)
    if reason is not None:
        return reason
    agreed = replace(context, scope=PolicyScope.TRANSFER, signed_at=context.now)
    return refusal(policy, agreed) if never_allows(policy, agreed) else None


def _changes(policy: JsonObject, context: PolicyContext) -> list[datetime]:
    """The moments from now on at which the policy may begin to say something else, in order."""
    named = {moment for moment in _moments(policy, context.signed_at) if moment >= context.now}
    return sorted(named | {moment + _TICK for moment in named if moment < _LAST})


def _moments(policy: JsonObject, signed_at: datetime | None) -> Iterator[datetime]:
    for name in RULES:
        for rule in rules_in(policy, name):
            duties = [duty for duty in as_list(rule.get("duty")) if isinstance(duty, Mapping)]
            for constraint in (it for holder in (rule, *duties) for it in constraints_in(holder)):
                yield from _moments_of(constraint, signed_at)


def _moments_of(constraint: Json, signed_at: datetime | None) -> Iterator[datetime]:
    combined = combination_of(constraint)
    if combined is not None:
        for part in combined[1]:
            yield from _moments_of(part, signed_at)
        return
    if not isinstance(constraint, Mapping):
        return
    name = term(constraint.get("leftOperand"))
    operand = LEFT_OPERANDS.get(name) if isinstance(name, str) else None
    if operand is None or operand.compared_as is Comparison.TEXT:
        return
    moment = bound(single(constraint.get("rightOperand")), signed_at)
    if moment is not None:
        yield moment
