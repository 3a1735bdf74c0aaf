"""Which members a policy, a rule, an action and a constraint may have: one that nobody evaluates is never passed over.

A member that was read as nothing would widen what a policy allows: a misspelt `constraints` would restrict nobody.
"""

from collections.abc import Iterator, Mapping

from ferry.domain.faults import InputFault
from ferry.domain.json_value import Json, JsonObject
from ferry.domain.policy.terms import COMBINATIONS, RULES

_INSTEAD = "cannot be evaluated here; write an obligation or a constraint"
_FOR_ONE = "cannot be evaluated here; write a constraint on participantId"
_NAMED = frozenset({"@context", "@id", "@type", "uid"})

_KNOWN: Mapping[str, frozenset[str]] = {
    "policy": _NAMED | {"profile", "assigner", "assignee", "target", "conflict", *RULES},
    "rule": _NAMED | {"action", "assigner", "target", "constraint", "duty"},
    "action": _NAMED | {"type"},
    "constraint": _NAMED | {"leftOperand", "operator", "rightOperand"},
    "combination": _NAMED | {*COMBINATIONS},
}
# What ODRL knows and cannot be evaluated: what to write in its place.
_INSTEAD_OF: Mapping[str, Mapping[str, str]] = {
    "policy": {
        "inheritsFrom": "cannot be evaluated here; write the inherited rules as well",
        "constraint": "belongs to a rule; write it in each permission that it is for",
    },
    "rule": {
        "remedy": _INSTEAD,
        "consequence": _INSTEAD,
        "assignee": _FOR_ONE,
        "refinement": "cannot be evaluated here; write a constraint instead",
        **{
            name: f"combines constraints; write it in the rule's constraint: {{{name!r}: ...}}" for name in COMBINATIONS
        },
    },
    "action": {"refinement": "cannot be evaluated here; write a constraint instead"},
    "constraint": {
        "rightOperandReference": "cannot be looked up here; write the value as rightOperand",
        "unit": "cannot be evaluated here; write the rightOperand in the operand's own unit",
        "status": "cannot be evaluated here",
    },
    "combination": {},
}
_NOTHING: tuple[Json, ...] = (None, "", [], {})


def strange_members(kind: str, holder: JsonObject, place: str) -> Iterator[InputFault]:
    """The members that are not evaluated; `kind` is policy, rule, action, constraint or combination."""
    for name, value in holder.items():
        if name not in _KNOWN[kind] and value not in _NOTHING:
            known = ", ".join(sorted(it for it in _KNOWN[kind] if not it.startswith("@")))
            message = _INSTEAD_OF[kind].get(name, f"is not evaluated in a {kind}; known are {known}")
            yield InputFault(f"{place}.{name}", message)


def addressee(policy: JsonObject, place: str) -> Iterator[InputFault]:
    """An offer or an agreement has its addressee; any other policy is for all, and would seem to be for one alone."""
    if policy.get("@type") not in ("Offer", "Agreement") and policy.get("assignee"):
        yield InputFault(f"{place}.assignee", _FOR_ONE)
