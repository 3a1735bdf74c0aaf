"""What a constraint can be about: the registry of left operands, one function for each, and what they are told.

A left operand of your own is one more entry in LEFT_OPERANDS, under its short term (or its IRI, where that is neither
ODRL's nor EDC's). What its function reads may change with the process or the request; only operands that compare times
may change while nothing happens, for the end of an agreement is found by those.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ferry.domain.json_value import Json, JsonObject

PURPOSE = "purpose"


class PolicyScope(StrEnum):
    """When a policy is evaluated, by EDC's names: for the catalog, a negotiation, a transfer, and while one runs."""

    CATALOG = "catalog"
    NEGOTIATION = "contract.negotiation"
    TRANSFER = "transfer.process"
    MONITOR = "policy.monitor"


@dataclass(frozen=True, slots=True)
class PolicyContext:
    """Who asks, when, for what; `claims` is what the request states of itself, by left operand.

    `signed_at` is when the agreement was signed; None while there is none.
    """

    participant_id: str
    now: datetime
    claims: JsonObject = field(default_factory=dict[str, Json])
    scope: PolicyScope = PolicyScope.NEGOTIATION
    signed_at: datetime | None = None


def stated_claims(purpose: str | None) -> JsonObject:
    """The claims of a request that states this of itself."""
    return {PURPOSE: purpose} if purpose else {}


class Comparison(StrEnum):
    """What the values of an operand are; AGREEMENT_TIME may also be counted from the signing."""

    TEXT = "text"
    TIME = "time"
    AGREEMENT_TIME = "time, also since the agreement"


@dataclass(frozen=True, slots=True)
class LeftOperand:
    """How an operand is read (None: nothing is known of it), and in which scopes. In others it is not asked yet."""

    read: Callable[[PolicyContext], str | datetime | None]
    compared_as: Comparison = Comparison.TEXT
    scopes: frozenset[PolicyScope] = frozenset(PolicyScope)


def _participant(context: PolicyContext) -> str:
    return context.participant_id


def _now(context: PolicyContext) -> datetime:
    return context.now


def _purpose(context: PolicyContext) -> str | None:
    stated = context.claims.get(PURPOSE)
    return stated if isinstance(stated, str) else None


_ONCE_AGREED = frozenset({PolicyScope.TRANSFER, PolicyScope.MONITOR})
# A request for a catalog states no purpose.
_ONCE_ASKED = _ONCE_AGREED | {PolicyScope.NEGOTIATION}

LEFT_OPERANDS: Mapping[str, LeftOperand] = {
    "participant": LeftOperand(_participant),
    "participantId": LeftOperand(_participant),
    "recipient": LeftOperand(_participant),
    "dateTime": LeftOperand(_now, Comparison.TIME),
    "inForceDate": LeftOperand(_now, Comparison.AGREEMENT_TIME, _ONCE_AGREED),
    "purpose": LeftOperand(_purpose, scopes=_ONCE_ASKED),
}
