"""The terms of ODRL policies: which rules, actions and combinations there are, and one spelling for each of them.

A policy is plain JSON. Long IRIs, the prefixes `odrl:` and `edc:` and short terms are the same thing; one value and a
list of one are, too. (Decision record 6.)
"""

from collections.abc import Mapping, Sequence

from ferry.domain.data_address import EDC_NAMESPACE
from ferry.domain.json_value import Json, JsonObject

RULES = ("permission", "prohibition", "obligation")
COMBINATIONS = ("and", "or", "xone")
ACTIONS = frozenset({"use", "transfer", "read"})
# Operands that are EDC's, not ODRL's: other connectors know them by their IRI alone.
EDC_OPERANDS = frozenset({"inForceDate"})

_SPELLINGS = ("http://www.w3.org/ns/odrl/2/", EDC_NAMESPACE, "odrl:", "edc:")


def short(name: str) -> str:
    """A term of ODRL or EDC without its namespace or prefix; any other name as it is."""
    for spelling in _SPELLINGS:
        if name.startswith(spelling):
            return name.removeprefix(spelling)
    return name


def as_list(value: Json) -> list[Json]:
    """A value that JSON-LD may write as one or as an array, as an array."""
    if value is None:
        return []
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [value]


def single(value: Json) -> Json:
    """A value that JSON-LD may write as one or as an array of one, as one."""
    return value[0] if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 1 else value


def term(value: Json) -> Json:
    """A value that names a term, by its short name: bare, as the one in a list, or as a reference."""
    value = single(value)
    if isinstance(value, Mapping) and len(value) == 1:
        value = value.get("@id", value)
    return short(value) if isinstance(value, str) else value


def rules_in(policy: JsonObject, name: str) -> list[JsonObject]:
    """The rules of one kind; what is no rule is left out."""
    return [rule for rule in as_list(policy.get(name)) if isinstance(rule, Mapping)]


def constraints_in(rule: JsonObject) -> list[Json]:
    """The constraints of a rule."""
    return as_list(rule.get("constraint"))


def action_of(rule: JsonObject) -> str:
    """The short name of a rule's action; empty where it names none."""
    action = single(rule.get("action"))
    if isinstance(action, Mapping):
        members = {short(name): value for name, value in action.items()}
        action = single(members.get("type") or members.get("@id"))
    name = term(action)
    return name if isinstance(name, str) else ""


def combination_of(constraint: Json) -> tuple[str, list[Json]] | None:
    """How a constraint combines others, and which; None where it combines none."""
    if isinstance(constraint, Mapping):
        for name in COMBINATIONS:
            if name in constraint:
                return name, as_list(constraint[name])
    return None


def words(constraint: Json) -> str:
    """A constraint as a person reads it."""
    combined = combination_of(constraint)
    if combined is not None:
        name, parts = combined
        return f" {name} ".join(f"({words(part)})" for part in parts)
    if not isinstance(constraint, Mapping):
        return "a constraint that is no object"
    parts = (term(constraint.get("leftOperand")), term(constraint.get("operator")), constraint.get("rightOperand"))
    return " ".join(str(part) for part in parts)
