"""The operators of constraints: how a value that is known compares with the right operand of a policy."""

import re
from collections.abc import Callable
from datetime import datetime

from ferry.domain.json_value import Json
from ferry.domain.policy.terms import as_list, single

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")

# What the order of two values must be.
_ORDERS: dict[str, Callable[[int], bool]] = {
    "eq": lambda sign: sign == 0,
    "neq": lambda sign: sign != 0,
    "lt": lambda sign: sign < 0,
    "lteq": lambda sign: sign <= 0,
    "gt": lambda sign: sign > 0,
    "gteq": lambda sign: sign >= 0,
}
_SETS: dict[str, Callable[[str, list[str]], bool]] = {
    "isAnyOf": lambda left, rights: left in rights,
    "isNoneOf": lambda left, rights: left not in rights,
    "isPartOf": lambda left, rights: left in rights,
    "isAllOf": lambda left, rights: bool(rights) and all(left == right for right in rights),
}

OPERATORS = (*_ORDERS, *_SETS)
TIME_OPERATORS = tuple(_ORDERS)
SET_OPERATORS = tuple(_SETS)


def compares_texts(operator: str, left: str, right: Json) -> bool:
    """Whether the text stands so to the right operand.

    Equality is letter by letter, so that no number passes for another spelling of itself; order is that of numbers
    where both are, and of texts elsewhere.
    """
    if operator in _SETS:
        return _SETS[operator](left, _texts(right))
    text = str(single(right))
    if operator in ("eq", "neq"):
        return (left == text) is (operator == "eq")
    if _NUMBER.fullmatch(left) and _NUMBER.fullmatch(text):
        return _ORDERS[operator]((float(left) > float(text)) - (float(left) < float(text)))
    return _ORDERS[operator]((left > text) - (left < text))


def compares_times(operator: str, left: datetime, right: datetime) -> bool:
    """Whether the one moment stands so to the other. `operator` is one of TIME_OPERATORS."""
    return _ORDERS[operator]((left > right) - (left < right))


def _texts(value: Json) -> list[str]:
    """The texts of a set; EDC's clients also write it as one text with commas."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return [str(part) for part in as_list(value)]
