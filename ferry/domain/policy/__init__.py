"""ODRL policies as far as blob transfers need them: is this participant, with this request, at this time, allowed?

Policies are plain JSON with the short ODRL terms (readers of requests have stripped prefixes). What cannot be evaluated
is refused when a policy is created.
"""

from ferry.domain.policy.evaluation import Truth, refusal, truth_of
from ferry.domain.policy.expiry import ends_at, never_allows, refusal_of_agreement
from ferry.domain.policy.normal import normal_rules, worded_as
from ferry.domain.policy.operands import (
    LEFT_OPERANDS,
    PURPOSE,
    Comparison,
    LeftOperand,
    PolicyContext,
    PolicyScope,
    stated_claims,
)
from ferry.domain.policy.operators import OPERATORS, TIME_OPERATORS
from ferry.domain.policy.terms import ACTIONS, COMBINATIONS, EDC_OPERANDS, RULES, as_list
from ferry.domain.policy.validation import faults_of

__all__ = [
    "ACTIONS",
    "COMBINATIONS",
    "EDC_OPERANDS",
    "LEFT_OPERANDS",
    "OPERATORS",
    "PURPOSE",
    "RULES",
    "TIME_OPERATORS",
    "Comparison",
    "LeftOperand",
    "PolicyContext",
    "PolicyScope",
    "Truth",
    "as_list",
    "ends_at",
    "faults_of",
    "never_allows",
    "normal_rules",
    "refusal",
    "refusal_of_agreement",
    "stated_claims",
    "truth_of",
    "worded_as",
]
