"""Times in policies: every form, periods of validity counted from the agreement, and when an agreement runs out."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferry.domain.policy import PolicyContext, PolicyScope, Truth, ends_at, never_allows, refusal, truth_of
from ferry.domain.policy.times import after_signing, bound, instant
from ferry.domain.process import Json, JsonObject

SIGNED = datetime(2026, 6, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)


def context(now: datetime = SIGNED, scope: PolicyScope = PolicyScope.MONITOR, **claims: str) -> PolicyContext:
    return PolicyContext("BPNL0001", now, claims, scope, SIGNED)


def time(operator: str, right: Json, left: str = "inForceDate") -> dict[str, Json]:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def permits(*constraints: Json) -> JsonObject:
    return {"permission": [{"action": "use", "constraint": list(constraints)}]}


def prohibits(*constraints: Json) -> JsonObject:
    return {"prohibition": [{"action": "use", "constraint": list(constraints)}]}


IS_ME: JsonObject = {"leftOperand": "participantId", "operator": "eq", "rightOperand": "BPNL0001"}
IS_OTHER: JsonObject = {**IS_ME, "operator": "neq"}

# --- forms ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "pause"),
    [
        ("contractAgreement+15s", timedelta(seconds=15)),
        ("contractAgreement+5m", timedelta(minutes=5)),
        ("contractAgreement+25h", timedelta(hours=25)),
        ("contractAgreement+30d", timedelta(days=30)),
        ("contractagreement+7d", timedelta(days=7)),
        ("contractAgreement+0s", timedelta()),
        ("contractAgreement+-5m", timedelta(minutes=-5)),
        ("contractAgreement+1w", None),
        ("contractAgreement-1d", None),
        ("contractAgreement+d", None),
        ("contractAgreement+1.5d", None),
        ("contractAgreement + 1d", None),
        ("contractAgreement+1d ", None),
        ("agreement+1d", None),
        ("30d", None),
        ("", None),
        (30, None),
    ],
)
def test_time_since_the_agreement_has_a_number_and_a_unit(text: Json, pause: timedelta | None) -> None:
    assert after_signing(text) == pause


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2027-01-01T00:00:00Z", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-01T02:00:00+02:00", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-01T00:00:00.5Z", datetime(2027, 1, 1, 0, 0, 0, 500000, tzinfo=UTC)),
        ("2027-01-01", datetime(2027, 1, 1, tzinfo=UTC)),
        ("2027-01-01T10:00", datetime(2027, 1, 1, 10, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("2027-13-01", None),
        ("soon", None),
        (2027, None),
        (None, None),
        ({"@value": "2027-01-01"}, None),
    ],
)
def test_moment_is_read_in_utc_or_not_at_all(text: Json, moment: datetime | None) -> None:
    assert instant(text) == moment
    assert bound(text, SIGNED) == moment


def test_time_since_the_agreement_needs_one_and_stays_in_the_calendar() -> None:
    assert bound("contractAgreement+1d", None) is None
    assert bound("contractAgreement+1d", SIGNED) == SIGNED + DAY
    assert bound("contractAgreement+999999999d", SIGNED) == datetime.max.replace(tzinfo=UTC)
    assert bound("contractAgreement+-999999999d", SIGNED) == datetime.min.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("operator", "right", "held"),
    [
        ("gteq", "contractAgreement+0s", True),
        ("gt", "contractAgreement+0s", False),
        ("eq", "contractAgreement+0s", True),
        ("neq", "contractAgreement+0s", False),
        ("lteq", "contractAgreement+0s", True),
        ("lt", "contractAgreement+0s", False),
        ("lt", "contractAgreement+1s", True),
        ("gt", "contractAgreement+-1s", True),
        ("lteq", "2026-06-01T12:00:00Z", True),
        ("lteq", "2026-06-01T11:59:59Z", False),
    ],
)
def test_period_of_validity_is_compared_once_there_is_an_agreement(operator: str, right: Json, held: bool) -> None:
    for scope in (PolicyScope.TRANSFER, PolicyScope.MONITOR):
        assert truth_of(time(operator, right), context(scope=scope)) is (Truth.HOLDS if held else Truth.FAILS)
    for scope in (PolicyScope.CATALOG, PolicyScope.NEGOTIATION):
        assert truth_of(time(operator, right), context(scope=scope)) is Truth.OPEN


def test_period_of_validity_prohibits_nothing_before_the_agreement() -> None:
    later = prohibits(time("gteq", "contractAgreement+0s"))
    assert refusal(later, context(scope=PolicyScope.NEGOTIATION)) is None
    assert refusal(later, context()) == "prohibited: use"


@pytest.mark.parametrize(
    ("combination", "others", "truth"),
    [
        ("and", [], Truth.OPEN),
        ("and", [IS_ME], Truth.OPEN),
        ("and", [IS_OTHER], Truth.FAILS),
        ("or", [IS_OTHER], Truth.OPEN),
        ("or", [IS_ME], Truth.HOLDS),
        ("xone", [IS_OTHER], Truth.OPEN),
        ("xone", [IS_ME], Truth.OPEN),
        ("xone", [IS_ME, IS_ME], Truth.FAILS),
    ],
)
def test_what_is_not_asked_yet_leaves_a_combination_open_where_it_matters(
    combination: str, others: list[Json], truth: Truth
) -> None:
    parts = [time("lteq", "contractAgreement+1d"), *others]
    assert truth_of({combination: parts}, context(scope=PolicyScope.NEGOTIATION)) is truth


# --- the end ----------------------------------------------------------------------------------------------------

ENDS: list[tuple[JsonObject, datetime | None]] = [
    ({}, None),
    (permits(IS_ME), None),
    (permits(time("lteq", "contractAgreement+30d")), SIGNED + 30 * DAY + TICK),
    (permits(time("lt", "contractAgreement+30d")), SIGNED + 30 * DAY),
    (permits(time("gteq", "contractAgreement+0s"), time("lteq", "contractAgreement+1d")), SIGNED + DAY + TICK),
    (permits(time("lt", "2026-06-03T00:00:00Z", "dateTime")), datetime(2026, 6, 3, tzinfo=UTC)),
    (permits(time("lt", "contractAgreement+2d"), time("lt", "contractAgreement+1d")), SIGNED + DAY),
    (permits({"or": [time("lt", "contractAgreement+2d"), time("lt", "contractAgreement+1d")]}), SIGNED + 2 * DAY),
    (permits({"or": [time("lt", "contractAgreement+2d"), IS_ME]}), None),
    (permits({"or": [time("lt", "contractAgreement+2d"), IS_OTHER]}), SIGNED + 2 * DAY),
    (permits({"xone": [time("gteq", "contractAgreement+1d"), IS_ME]}), SIGNED + DAY),
    (permits({"or": [time("lt", "contractAgreement+1d"), time("gt", "contractAgreement+2d")]}), SIGNED + DAY),
    (permits(time("neq", "contractAgreement+1d")), SIGNED + DAY),
    (permits(time("eq", "contractAgreement+0s")), SIGNED + TICK),
    (prohibits(time("gteq", "contractAgreement+1d")), SIGNED + DAY),
    (prohibits(time("gt", "contractAgreement+1d"), IS_OTHER), None),
    ({"obligation": [{"action": "use", "constraint": time("lt", "contractAgreement+1d")}]}, SIGNED + DAY),
    (
        {
            "permission": [
                {"action": "use", "duty": [{"action": "use", "constraint": time("lt", "contractAgreement+1d")}]}
            ]
        },
        SIGNED + DAY,
    ),
    (permits(time("lteq", "contractAgreement+999999999d")), None),
    (permits(IS_OTHER, time("lt", "contractAgreement+1d")), None),
]


@pytest.mark.parametrize(("policy", "end"), ENDS)
def test_agreement_ends_at_the_first_moment_that_its_policy_refuses(policy: JsonObject, end: datetime | None) -> None:
    assert ends_at(policy, context()) == end


def _combined(name: str, parts: list[Any]) -> dict[str, Any]:
    return {name: parts}


_days = st.integers(-3, 5).map(lambda days: f"contractAgreement+{days}d")
_periods: st.SearchStrategy[Any] = st.builds(time, st.sampled_from(["eq", "neq", "lt", "lteq", "gt", "gteq"]), _days)
_leaves: st.SearchStrategy[Any] = _periods | st.sampled_from([IS_ME, IS_OTHER])
_trees: st.SearchStrategy[Any] = st.recursive(
    _leaves,
    lambda inner: st.builds(_combined, st.sampled_from(["and", "or", "xone"]), st.lists(inner, min_size=1, max_size=3)),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None, database=None)
@given(st.lists(_trees, max_size=2), st.lists(_trees, min_size=1, max_size=2), st.integers(0, 4 * 24))
def test_agreement_allows_until_its_end_and_not_at_it(permitted: list[Any], prohibited: list[Any], hours: int) -> None:
    policy: JsonObject = {**permits(*permitted), **prohibits(*prohibited)}
    end = ends_at(policy, context())
    if end is None:
        is_refused = refusal(policy, context()) is not None
        later = [refusal(policy, context(SIGNED + timedelta(hours=hour))) for hour in range(0, 7 * 24, 6)]
        assert is_refused or not any(later)
        assert never_allows(policy, context()) is False or is_refused
        return
    assert refusal(policy, context(end)) is not None
    moment = SIGNED + timedelta(hours=hours)
    if moment < end:
        assert refusal(policy, context(moment)) is None


@pytest.mark.parametrize(
    ("policy", "never"),
    [
        ({}, False),
        (permits(time("lteq", "2026-01-01")), True),
        (permits(time("gteq", "2027-01-01")), False),
        (permits(time("gteq", "2027-01-01"), time("lt", "2027-01-01")), True),
        (permits(time("lt", "contractAgreement+1d")), False),
        (prohibits(time("gteq", "contractAgreement+0s")), True),
    ],
)
def test_agreement_that_could_never_be_used_is_known(policy: JsonObject, never: bool) -> None:
    assert never_allows(policy, context()) is never
