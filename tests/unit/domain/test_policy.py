"""Policies: every operator, every combination, time and identity; and what cannot be evaluated is refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from ferry.domain.policy import (
    COMBINATIONS,
    LEFT_OPERANDS,
    OPERATORS,
    TIME_OPERATORS,
    PolicyContext,
    PolicyScope,
    faults_of,
    refusal,
)
from ferry.domain.process import Json, JsonObject

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ME = PolicyContext("BPNL0001", NOW)
TRUE: JsonObject = {"leftOperand": "participantId", "operator": "eq", "rightOperand": "BPNL0001"}
USE: JsonObject = {"action": "use"}
FALSE: JsonObject = {"leftOperand": "participantId", "operator": "eq", "rightOperand": "somebody"}
UNKNOWN: JsonObject = {"leftOperand": "membership", "operator": "eq", "rightOperand": "active"}


def constraint(operator: str, right: Json, left: str = "participantId") -> JsonObject:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def permits(*constraints: Json) -> JsonObject:
    return {"permission": [{"action": "use", "constraint": list(constraints)}]}


def allows(policy: JsonObject, context: PolicyContext = ME) -> bool:
    return refusal(policy, context) is None


# --- operators --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("operator", "right", "holds"),
    [
        ("eq", "BPNL0001", True),
        ("eq", "BPNL0002", False),
        ("eq", "bpnl0001", False),
        ("neq", "BPNL0002", True),
        ("neq", "BPNL0001", False),
        ("lt", "BPNL0002", True),
        ("lt", "BPNL0001", False),
        ("lteq", "BPNL0001", True),
        ("lteq", "BPNL0000", False),
        ("gt", "BPNL0000", True),
        ("gt", "BPNL0001", False),
        ("gteq", "BPNL0001", True),
        ("gteq", "BPNL0002", False),
        ("isAnyOf", ["x", "BPNL0001"], True),
        ("isAnyOf", "BPNL0001", True),
        ("isAnyOf", "x, BPNL0001", True),
        ("isAnyOf", ["x"], False),
        ("isAnyOf", [], False),
        ("isNoneOf", ["x", "y"], True),
        ("isNoneOf", ["x", "BPNL0001"], False),
        ("isPartOf", ["x", "BPNL0001"], True),
        ("isPartOf", "x", False),
        ("isAllOf", ["BPNL0001"], True),
        ("isAllOf", ["BPNL0001", "BPNL0001"], True),
        ("isAllOf", ["BPNL0001", "x"], False),
        ("isAllOf", [], False),
    ],
)
def test_operator_compares_the_participant(operator: str, right: Json, holds: bool) -> None:
    assert allows(permits(constraint(operator, right))) is holds


def test_every_operator_is_tried_here() -> None:
    tried = {"eq", "neq", "lt", "lteq", "gt", "gteq", "isAnyOf", "isNoneOf", "isPartOf", "isAllOf"}
    assert set(OPERATORS) == tried


@pytest.mark.parametrize("operand", ["participant", "participantId", "recipient"])
def test_participant_has_several_names(operand: str) -> None:
    assert allows(permits(constraint("eq", "BPNL0001", operand)))


@pytest.mark.parametrize(
    ("participant", "right"),
    [("nan", 5), ("5", "nan"), ("1000", "1e3"), ("1_000", 1000), ("\u0661", "1"), ("01", "1"), ("inf", "Infinity")],
)
def test_identity_is_never_equal_to_another_spelling_of_a_number(participant: str, right: Json) -> None:
    somebody = PolicyContext(participant, NOW)
    assert not allows(permits(constraint("eq", right)), somebody)
    assert allows(permits(constraint("neq", right)), somebody)


@pytest.mark.parametrize(
    ("operator", "left", "right", "holds"),
    [
        ("lt", "9", "10", True),
        ("gt", "9", "10", False),
        ("lteq", "10", 10, True),
        ("gteq", "10.5", 10, True),
        ("lt", "9", "ten", True),
        ("lteq", "nan", 5, False),
        ("gteq", "nan", 5, True),
    ],
)
def test_order_is_that_of_numbers_where_both_are_and_of_texts_elsewhere(
    operator: str, left: str, right: Json, holds: bool
) -> None:
    assert allows(permits(constraint(operator, right)), PolicyContext(left, NOW)) is holds


@pytest.mark.parametrize(
    ("operator", "right", "holds"),
    [
        ("lt", "2026-06-01T12:00:01Z", True),
        ("lt", "2026-06-01T12:00:00Z", False),
        ("lteq", "2026-06-01T12:00:00Z", True),
        ("gt", "2026-06-01T11:59:59Z", True),
        ("gteq", "2026-06-01T12:00:00+00:00", True),
        ("eq", "2026-06-01T14:00:00+02:00", True),
        ("neq", "2026-06-01T14:00:00+02:00", False),
        ("lt", "2026-06-01T13:30:00+02:00", False),
        ("lt", "2026-06-02", True),
        ("gt", "2026-06-01", True),
        ("gteq", "2026-06-01T12:00:00", True),
    ],
)
def test_time_is_compared_as_time_in_any_zone(operator: str, right: str, holds: bool) -> None:
    assert allows(permits(constraint(operator, right, "dateTime"))) is holds


def test_time_of_the_asker_is_taken_in_any_zone() -> None:
    east = PolicyContext("x", NOW.astimezone(timezone(timedelta(hours=9))))
    assert allows(permits(constraint("eq", "2026-06-01T12:00:00Z", "dateTime")), east)


@pytest.mark.parametrize("operator", ["eq", "neq", "lt", "lteq", "gt", "gteq"])
@pytest.mark.parametrize("right", ["soon", "9999", "31.12.2027", "", 5, True])
def test_time_that_is_none_never_holds(operator: str, right: Json) -> None:
    assert not allows(permits(constraint(operator, right, "dateTime")))


@pytest.mark.parametrize("operator", ["neq", "isNoneOf", "eq", "isAnyOf"])
def test_claim_that_is_not_made_never_speaks_for_the_one_who_asks(operator: str) -> None:
    rule = constraint(operator, "profit", "purpose")
    assert not allows(permits(rule))
    assert not allows({"prohibition": [{"action": "use", "constraint": [rule]}]})


def test_claim_that_is_made_decides() -> None:
    science = PolicyContext("x", NOW, {"purpose": "science"})
    assert allows(permits(constraint("neq", "profit", "purpose")), science)
    assert not allows(permits(constraint("eq", "profit", "purpose")), science)
    assert allows({"prohibition": [{"action": "use", "constraint": constraint("eq", "profit", "purpose")}]}, science)


def test_purpose_is_not_asked_for_a_catalog() -> None:
    asking = PolicyContext("x", NOW, scope=PolicyScope.CATALOG)
    assert allows(permits(constraint("eq", "profit", "purpose")), asking)
    assert allows({"prohibition": [{"action": "use", "constraint": constraint("eq", "profit", "purpose")}]}, asking)


# --- combinations -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("combination", "parts", "holds"),
    [
        ("and", [TRUE, TRUE], True),
        ("and", [TRUE, FALSE], False),
        ("or", [FALSE, TRUE], True),
        ("or", [FALSE, FALSE], False),
        ("or", [], False),
        ("xone", [TRUE, FALSE], True),
        ("xone", [TRUE, TRUE], False),
        ("xone", [FALSE, FALSE], False),
        ("xone", [TRUE, FALSE, TRUE], False),
        ("and", TRUE, True),
        ("and", [{"or": [FALSE, TRUE]}, {"xone": [TRUE]}], True),
        ("and", [{"or": [FALSE, FALSE]}, TRUE], False),
        ("or", [UNKNOWN, TRUE], True),
        ("and", [UNKNOWN, TRUE], False),
        ("or", ["no object", FALSE], False),
        ("xone", [TRUE, UNKNOWN], False),
        ("xone", [TRUE, TRUE, UNKNOWN], False),
    ],
)
def test_constraints_combine(combination: str, parts: Json, holds: bool) -> None:
    assert allows(permits({combination: parts})) is holds


def test_every_constraint_of_a_permission_must_hold() -> None:
    assert allows(permits(TRUE, TRUE))
    assert not allows(permits(TRUE, FALSE))


@pytest.mark.parametrize("policy", [{}, {"permission": []}, {"permission": [{"action": "use"}]}, {"@type": "Set"}])
def test_policy_without_constraints_allows(policy: JsonObject) -> None:
    assert allows(policy)


def test_one_rule_may_stand_without_a_list() -> None:
    assert not allows({"permission": {"action": "use", "constraint": FALSE}})
    assert allows({"permission": {"action": "use", "constraint": TRUE}})


def test_every_permission_must_hold() -> None:
    rules: Json = [{"action": "use", "constraint": [TRUE]}, {"action": "use", "constraint": [FALSE]}]
    assert not allows({"permission": rules})


@pytest.mark.parametrize(
    ("constraints", "holds"),
    [([], False), ([TRUE], False), ([FALSE], True), ([TRUE, FALSE], True), ([{"or": [FALSE, TRUE]}], False)],
)
def test_prohibition_refuses_whom_all_its_constraints_meet(constraints: Json, holds: bool) -> None:
    assert allows({"prohibition": [{"action": "use", "constraint": constraints}]}) is holds


def test_prohibition_outweighs_a_permission() -> None:
    policy: JsonObject = {**permits(TRUE), "prohibition": [{"action": "transfer", "constraint": [TRUE]}]}
    assert refusal(policy, ME) == "prohibited: transfer"


@pytest.mark.parametrize(("part", "holds"), [(TRUE, True), (FALSE, False), (UNKNOWN, False)])
def test_obligation_must_be_met(part: JsonObject, holds: bool) -> None:
    assert allows({"obligation": [{"action": "use", "constraint": [part]}]}) is holds


@pytest.mark.parametrize(("part", "holds"), [(TRUE, True), (FALSE, False), (UNKNOWN, False)])
def test_duty_of_a_permission_must_be_met(part: JsonObject, holds: bool) -> None:
    assert allows({"permission": [{"action": "use", "duty": {"action": "use", "constraint": [part]}}]}) is holds


@pytest.mark.parametrize(
    "spelled",
    [
        {"leftOperand": "odrl:dateTime", "operator": "odrl:lt"},
        {"leftOperand": "http://www.w3.org/ns/odrl/2/dateTime", "operator": "http://www.w3.org/ns/odrl/2/lt"},
        {"leftOperand": {"@id": "odrl:dateTime"}, "operator": {"@id": "odrl:lt"}},
        {"leftOperand": "edc:inForceDate", "operator": ["lt"]},
        {"leftOperand": "https://w3id.org/edc/v0.0.1/ns/inForceDate", "operator": "lt"},
    ],
)
def test_prefix_and_namespace_do_not_matter(spelled: JsonObject) -> None:
    transfer = PolicyContext("x", NOW, scope=PolicyScope.TRANSFER, signed_at=NOW)
    before: JsonObject = {**spelled, "rightOperand": "2026-07-01"}
    over: JsonObject = {**spelled, "rightOperand": "2026-05-01"}
    assert faults_of(permits(before)) == faults_of(permits(over)) == ()
    assert allows(permits(before), transfer)
    assert not allows(permits(over), transfer)


REFUSALS: list[tuple[JsonObject, str]] = [
    (permits(FALSE), "permission not given: participantId eq somebody"),
    (
        permits({"or": [FALSE, UNKNOWN]}),
        "permission not given: (participantId eq somebody) or (membership eq active)",
    ),
    ({"obligation": {"action": "use", "constraint": FALSE}}, "obligation not met: participantId eq somebody"),
    ({"prohibition": {"constraint": TRUE}}, "prohibited: use"),
    (
        {"prohibition": {"constraint": [TRUE, UNKNOWN]}},
        "prohibited: use, unless it is known not to be so: participantId eq BPNL0001 and membership eq active",
    ),
    (
        {"permission": {"action": "use", "duty": [{"action": "use", "constraint": FALSE}]}},
        "duty not met: participantId eq somebody",
    ),
    (permits("nonsense"), "permission not given: a constraint that is no object"),
]


@pytest.mark.parametrize(("policy", "words"), REFUSALS)
def test_refusal_names_what_was_not_met(policy: JsonObject, words: str) -> None:
    assert refusal(policy, ME) == words


# --- what cannot be evaluated -----------------------------------------------------------------------------------


def at(*places: str) -> list[str]:
    """Paths below the first constraint of the first permission."""
    return [f"policy.permission[0].constraint[0]{place}" for place in places]


SETS = ("isAnyOf", "isNoneOf", "isPartOf", "isAllOf")
PARTS = ("leftOperand", "operator", "rightOperand")
CONFLICT = "policy.conflict"
NOT_EVALUABLE: list[tuple[JsonObject, list[str]]] = [
    ({"permission": "use"}, ["policy.permission[0]"]),
    ({"permission": [{"action": "sell"}]}, ["policy.permission[0].action"]),
    ({"permission": [{"constraint": []}]}, ["policy.permission[0].action"]),
    ({"prohibition": [{"action": "use"}, 7]}, ["policy.prohibition[1]"]),
    ({"obligation": [{"action": "attribute"}]}, ["policy.obligation[0].action"]),
    (permits("x"), at("")),
    (permits(UNKNOWN), at(".leftOperand")),
    (permits(constraint("like", "x")), at(".operator")),
    (permits({"leftOperand": "participantId", "operator": "eq"}), at(".rightOperand")),
    (permits(constraint("isAnyOf", None)), at(".rightOperand")),
    (permits({"andSequence": [TRUE]}), at(".andSequence")),
    (permits({"andSequence": [TRUE], **FALSE}), at("")),
    (permits({"or": []}), at(".or")),
    (permits({"or": [TRUE, UNKNOWN, {"operator": "x"}]}), at(".or[1].leftOperand", *(f".or[2].{it}" for it in PARTS))),
    (permits({**TRUE, "rightOperandReference": "x"}), at(".rightOperandReference")),
    (permits({**TRUE, "unit": "EUR", "status": "paid"}), at(".unit", ".status")),
    (permits(constraint("eq", {"a": "b", "c": "d"})), at(".rightOperand")),
    ({"inheritsFrom": "x", "assignee": "y", "conflict": "perm"}, ["policy.inheritsFrom", "policy.assignee", CONFLICT]),
    ({"permission": [{"action": "use", "assignee": "x"}]}, ["policy.permission[0].assignee"]),
    ({"permission": [{"action": "use", "duty": ["x"]}]}, ["policy.permission[0].duty[0]"]),
    ({"permission": [{"action": "use", "duty": {"action": "pay"}}]}, ["policy.permission[0].duty[0].action"]),
    ({"prohibition": [{"action": "use", "duty": [{"action": "use"}]}]}, ["policy.prohibition[0].duty[0]"]),
    (permits({"or": [TRUE, {"xone": [UNKNOWN]}]}), at(".or[1].xone[0].leftOperand")),
    (permits({"or": [TRUE], **FALSE}), at("")),
    (permits({"or": [TRUE], "and": [FALSE]}), at("")),
    ({"prohibition": [{"action": "use", "remedy": {"action": "use"}}]}, ["policy.prohibition[0].remedy"]),
    ({"obligation": [{"action": "use", "consequence": [USE]}]}, ["policy.obligation[0].consequence"]),
    ({"permission": [{"action": {"type": "use", "refinement": [TRUE]}}]}, ["policy.permission[0].action.refinement"]),
    (permits(constraint("lt", "soon", "dateTime")), at(".rightOperand")),
    (permits(constraint("gteq", 2027, "dateTime")), at(".rightOperand")),
    (permits(constraint("isAnyOf", ["2026-01-01", "x"], "dateTime")), at(".operator")),
    (permits(constraint("isNoneOf", "contractAgreement+1d", "inForceDate")), at(".operator")),
    (permits(constraint("lt", "contractAgreement+1d", "dateTime")), at(".rightOperand")),
    (permits(constraint("lt", "contractAgreement+1w", "inForceDate")), at(".rightOperand")),
    *((permits(constraint(it, ["evil1", "evil2"])), at(".rightOperand")) for it in TIME_OPERATORS),
    (permits(constraint("neq", [])), at(".rightOperand")),
    (permits(constraint("lt", ["2026-01-01", "2027-01-01"], "dateTime")), at(".rightOperand")),
    *((permits(constraint(it, empty)), at(".rightOperand")) for it in SETS for empty in ([], [""], " , ")),
    (permits(constraint("isNoneOf", [{"name": "x"}])), at(".rightOperand")),
    (permits(constraint("isNoneOf", ["a", {"name": "x"}, ["b"]])), at(".rightOperand[1]", ".rightOperand[2]")),
    ({"permissions": [USE], "constraint": [FALSE]}, ["policy.permissions", "policy.constraint"]),
    ({"permission": [{**USE, "constraints": [FALSE]}]}, ["policy.permission[0].constraints"]),
    *(({"permission": [{**USE, it: [FALSE]}]}, [f"policy.permission[0].{it}"]) for it in (*COMBINATIONS, "refinement")),
    ({"permission": [{**USE, "odrl:constraint": FALSE}]}, ["policy.permission[0].odrl:constraint"]),
    ({"permission": [{**USE, "duty": {**USE, "constraints": FALSE}}]}, ["policy.permission[0].duty[0].constraints"]),
    ({"permission": [{**USE, "target": "other"}]}, ["policy.permission[0].target"]),
    ({"target": "mine", "permission": [{**USE, "target": "other"}]}, ["policy.permission[0].target"]),
    ({"permission": [{"action": {"type": "use", "implies": "x"}}]}, ["policy.permission[0].action.implies"]),
    (permits({**TRUE, "dataType": "xsd:integer"}), at(".dataType")),
    (permits({"or": [TRUE], "rightOperand": "x"}), at(".rightOperand")),
]


@pytest.mark.parametrize(("policy", "paths"), NOT_EVALUABLE)
def test_policy_that_cannot_be_evaluated_is_refused_at_each_place(policy: JsonObject, paths: list[str]) -> None:
    assert [fault.path for fault in faults_of(policy)] == paths


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"@type": "Set", "permission": [], "prohibition": None, "obligation": []},
        permits(TRUE, {"and": [TRUE, {"or": [FALSE]}]}),
        {"permission": {"action": {"@id": "use"}, "constraint": [], "duty": []}},
        {"permission": {"action": "odrl:use", "duty": {"action": {"odrl:type": {"@id": "odrl:use"}}}}},
        {"conflict": "odrl:prohibit"},
        {"@id": "p", "uid": "p", "profile": "x", "target": "a", "permission": [{**USE, "target": {"@id": "a"}}]},
        {"permissions": [], "permission": [{**USE, "constraints": None, "assigner": "us", "@type": "Permission"}]},
        *(permits(constraint(it, ["BPNL0001"])) for it in TIME_OPERATORS),
        {"@type": "Offer", "assigner": "us", "assignee": "them"},
        permits(constraint("lteq", "contractAgreement+30d", "inForceDate")),
        {"prohibition": [{"action": "transfer", "constraint": constraint("isNoneOf", ["a"])}]},
        permits(constraint("lteq", "2027-01-01", "dateTime"), constraint("eq", 0, "purpose")),
    ],
)
def test_policy_that_can_be_evaluated_has_no_fault(policy: JsonObject) -> None:
    assert faults_of(policy) == ()


def test_object_in_a_set_is_told_to_be_no_value() -> None:
    (fault,) = faults_of(permits(constraint("isNoneOf", [{"name": "x"}])))
    assert "is no value" in fault.message


@pytest.mark.parametrize("right", [["evil1", "evil2"], [], None, {"name": "x"}])
@pytest.mark.parametrize("operator", TIME_OPERATORS)
def test_comparison_with_no_single_value_speaks_for_nobody(operator: str, right: Json) -> None:
    """In a policy that was let in before such were refused."""
    said = constraint(operator, right)
    assert not allows(permits(said))
    assert not allows({"prohibition": [{"action": "use", "constraint": said}]})


def test_fault_names_what_is_known_here() -> None:
    (fault,) = faults_of(permits(UNKNOWN))
    assert fault.value == "membership"
    assert all(operand in fault.message for operand in LEFT_OPERANDS)
    (fault,) = faults_of(permits(constraint("like", "x")))
    assert all(operator in fault.message for operator in OPERATORS)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("operand", LEFT_OPERANDS)
def test_what_is_not_refused_can_be_met(operand: str, operator: str) -> None:
    """No operand and operator that a policy may have leaves it without anybody who could meet it."""
    if faults_of(permits(constraint(operator, "2026-06-01T12:00:00Z", operand))):
        assert operand in ("dateTime", "inForceDate")
        assert operator not in TIME_OPERATORS
        return
    rights: list[Json] = ["2026-06-01T11:00:00Z", "2026-06-01T12:00:00Z", "2026-06-01T13:00:00Z"]
    stated: JsonObject = {"purpose": "2026-06-01T12:00:00Z"}
    context = PolicyContext("2026-06-01T12:00:00Z", NOW, stated, PolicyScope.TRANSFER, NOW)
    held = {allows(permits(constraint(operator, right, operand)), context) for right in rights}
    assert held == {True, False}
