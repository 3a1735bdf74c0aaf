"""The laws that combinations and sets of constraints keep, whatever stands in them."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ferry.domain.policy import PolicyContext, PolicyScope, Truth, faults_of, refusal, truth_of
from ferry.domain.process import Json, JsonObject
from tests.unit.domain.test_policy import NOW

NAMES = st.sampled_from(["a", "b", "c"])
OPPOSITES = {
    "eq": "neq",
    "neq": "eq",
    "lt": "gteq",
    "gteq": "lt",
    "gt": "lteq",
    "lteq": "gt",
    "isAnyOf": "isNoneOf",
    "isNoneOf": "isAnyOf",
}
DUALS = {"and": "or", "or": "and"}


def _context(who: str, why: str) -> PolicyContext:
    return PolicyContext(who, NOW, {"purpose": why})


CONTEXTS = st.builds(_context, NAMES, NAMES)


def _leaf(operand: str, operator: str, right: Any) -> dict[str, Any]:
    is_set = operator in ("isAnyOf", "isNoneOf")
    return {"leftOperand": operand, "operator": operator, "rightOperand": right if is_set else right[0]}


def _combined(name: str, parts: list[Any]) -> dict[str, Any]:
    return {name: parts}


LEAVES = st.builds(
    _leaf,
    st.sampled_from(["participantId", "purpose"]),
    st.sampled_from(sorted(OPPOSITES)),
    st.lists(NAMES, min_size=1, max_size=3),
)


def trees(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Constraints of any depth."""
    return st.recursive(
        LEAVES,
        lambda inner: st.builds(_combined, st.sampled_from(names), st.lists(inner, min_size=1, max_size=3)),
        max_leaves=8,
    )


def holds(constraint: Json, context: PolicyContext) -> bool:
    truth = truth_of(constraint, context)
    assert truth in (Truth.HOLDS, Truth.FAILS)
    return truth is Truth.HOLDS


def opposite(constraint: dict[str, Any]) -> dict[str, Any]:
    """The constraint that says the contrary, by De Morgan."""
    for name, dual in DUALS.items():
        if name in constraint:
            return {dual: [opposite(part) for part in constraint[name]]}
    return {**constraint, "operator": OPPOSITES[constraint["operator"]]}


def permits(constraint: Json) -> JsonObject:
    return {"permission": [{"action": "use", "constraint": [constraint]}]}


@settings(max_examples=150, deadline=None, database=None)
@given(trees("and", "or"), CONTEXTS)
def test_opposite_of_a_constraint_holds_where_it_does_not(constraint: dict[str, Any], context: PolicyContext) -> None:
    assert holds(opposite(constraint), context) is not holds(constraint, context)


@settings(max_examples=150, deadline=None, database=None)
@given(trees("and", "or", "xone"), CONTEXTS)
def test_prohibition_refuses_just_where_a_permission_would_allow(
    constraint: dict[str, Any], context: PolicyContext
) -> None:
    prohibition: JsonObject = {"prohibition": [{"action": "use", "constraint": [constraint]}]}
    assert (refusal(prohibition, context) is None) is (refusal(permits(constraint), context) is not None)


@settings(max_examples=150, deadline=None, database=None)
@given(st.lists(trees("and", "or", "xone"), min_size=1, max_size=4), CONTEXTS)
def test_combination_counts_its_parts(parts: list[dict[str, Any]], context: PolicyContext) -> None:
    held = sum(holds(part, context) for part in parts)
    assert holds({"and": parts}, context) is (held == len(parts))
    assert holds({"or": parts}, context) is (held > 0)
    assert holds({"xone": parts}, context) is (held == 1)


@settings(max_examples=100, deadline=None, database=None)
@given(st.permutations(["a", "b", "c"]), st.integers(0, 3), CONTEXTS)
def test_set_is_as_good_as_its_members(names: list[str], count: int, context: PolicyContext) -> None:
    rights: list[Any] = list(names[:count])
    each: list[Any] = [_leaf("participantId", "eq", [name]) for name in rights]
    none: list[Any] = [_leaf("participantId", "neq", [name]) for name in rights]
    assert holds(_leaf("participantId", "isAnyOf", rights), context) is holds({"or": each}, context)
    assert holds(_leaf("participantId", "isNoneOf", rights), context) is holds({"and": none}, context)


@settings(max_examples=150, deadline=None, database=None)
@given(trees("and", "or", "xone"), NAMES)
def test_request_that_states_nothing_is_allowed_only_what_any_statement_would_be(
    constraint: dict[str, Any], who: str
) -> None:
    silent = PolicyContext(who, NOW)
    stated = [PolicyContext(who, NOW, {"purpose": why}) for why in ("a", "b", "c", "d")]
    prohibition: JsonObject = {"prohibition": [{"action": "use", "constraint": [constraint]}]}
    for policy in (permits(constraint), prohibition):
        if refusal(policy, silent) is None:
            assert all(refusal(policy, context) is None for context in stated)


@settings(max_examples=100, deadline=None, database=None)
@given(trees("and", "or", "xone"), CONTEXTS)
def test_policy_that_can_be_evaluated_is_decided_in_every_scope(
    constraint: dict[str, Any], context: PolicyContext
) -> None:
    assert faults_of(permits(constraint)) == ()
    for scope in PolicyScope:
        asked = PolicyContext(context.participant_id, NOW, context.claims, scope, NOW)
        assert truth_of(constraint, asked) is not Truth.UNKNOWN
