"""Criteria on documents: EDC's QuerySpec and asset selectors, matched in Python on the JSON of a definition.

An operand is a property of the document (`id`, `accessPolicyId`), of its `properties` or `private_properties`, or a
path (`properties.name`, `properties.'https://example.com/ns/name'.first`). Names may stand with or without EDC's
namespace.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import TypeIs

from ferry.domain.contracts import Criterion
from ferry.domain.data_address import EDC_NAMESPACE
from ferry.domain.faults import InputFault, InvalidInput
from ferry.domain.process import Json, JsonObject

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_HOLDERS = ("properties", "private_properties")
# An IRI of a property fits; every way to part a path is tried, so that a longer one would cost the square of it.
_OPERAND_LIMIT = 256
_OPERAND_DOTS = 16

TOO_LONG = f"is too long: a path to a property has at most {_OPERAND_LIMIT} characters and {_OPERAND_DOTS} dots"


def is_too_long(operand: str) -> bool:
    """Whether a path to a property is longer than is looked for."""
    return len(operand) > _OPERAND_LIMIT or operand.count(".") > _OPERAND_DOTS


def check_criteria(criteria: Sequence[Criterion], path: str = "filterExpression") -> None:
    """Raise InvalidInput with every criterion that could never be evaluated."""
    faults: list[InputFault] = []
    for number, criterion in enumerate(criteria):
        where = f"{path}[{number}]"
        if not criterion.operand_left:
            faults.append(InputFault(f"{where}.operandLeft", "is required: the name of a property"))
        elif is_too_long(criterion.operand_left):
            faults.append(InputFault(f"{where}.operandLeft", TOO_LONG))
        if criterion.operator.lower() not in _OPERATORS:
            known = " ".join(_OPERATORS)
            faults.append(InputFault(f"{where}.operator", f"must be one of {known}", criterion.operator))
        elif criterion.operator.lower() in _LIST_OPERATORS and not _is_list(criterion.operand_right):
            faults.append(InputFault(f"{where}.operandRight", f"must be a list for {criterion.operator}"))
    if faults:
        raise InvalidInput(tuple(faults))


def matches(criteria: Sequence[Criterion], document: JsonObject) -> bool:
    """Whether the document meets all of them. Raises InvalidInput for an unknown operator."""
    return all(_meets(criterion, document) for criterion in criteria)


def wanted_id(criteria: Sequence[Criterion]) -> str | None:
    """The one id that can match, where the criteria are nothing but `id = X`: then one point read does."""
    if len(criteria) != 1 or criteria[0].operator != "=":
        return None
    wanted = criteria[0].operand_right
    return wanted if isinstance(wanted, str) and "id" in _spellings(criteria[0].operand_left) else None


def select[D](
    documents: Iterable[tuple[D, JsonObject]], criteria: Sequence[Criterion], offset: int, limit: int
) -> list[D]:
    """A page of those that match; no more are taken from `documents` than it needs."""
    found = (document for document, json in documents if matches(criteria, json))
    return list(islice(found, offset, offset + limit))


def property_value(document: JsonObject, operand: str) -> Json:
    """What the operand stands for in the document; None where there is no such property."""
    for holder in (document, *(document.get(name) for name in _HOLDERS)):
        value = _walk(holder, operand)
        if value is not None:
            return value
    return None


def _meets(criterion: Criterion, document: JsonObject) -> bool:
    test = _OPERATORS.get(criterion.operator.lower())
    if test is None:
        check_criteria([criterion])
        return False
    return test(property_value(document, criterion.operand_left), criterion.operand_right)


def _walk(value: Json, path: str) -> Json:
    if _is_list(value):
        found = [_walk(item, path) for item in value]
        return [item for item in found if item is not None] or None
    if not isinstance(value, Mapping):
        return None
    for head, rest in _splits(path):
        for name in _spellings(head):
            if name in value:
                inner = value[name] if not rest else _walk(value[name], rest)
                if inner is not None:
                    return _plain(inner)
    return None


def _splits(path: str) -> Iterator[tuple[str, str]]:
    """All ways to part a path in its first name and the rest, the longest name first: an IRI has dots of its own."""
    if path.startswith("'") and (end := path.find("'", 1)) > 0:
        yield path[1:end], path[end + 1 :].removeprefix(".")
        return
    yield path, ""
    for dot in (found.start() for found in reversed(list(re.finditer(r"\.", path)))):
        yield path[:dot], path[dot + 1 :]


@lru_cache(maxsize=1024)
def _spellings(name: str) -> tuple[str, ...]:
    bare = name.removeprefix(EDC_NAMESPACE).removeprefix("edc:").removeprefix("@")
    return (name, bare, _CAMEL.sub("_", bare).lower(), f"{EDC_NAMESPACE}{bare}", f"edc:{bare}")


def _plain(value: Json) -> Json:
    """A JSON-LD value or reference without its wrapping."""
    if isinstance(value, Mapping):
        return value.get("@value", value.get("@id", value))
    return value


def _is_list(value: Json) -> TypeIs[Sequence[Json]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _equal(value: Json, operand: Json) -> bool:
    if _is_list(value) and not _is_list(operand):
        return any(_equal(_plain(item), operand) for item in value)
    return value == operand and isinstance(value, bool) is isinstance(operand, bool)


def _among(value: Json, operand: Json) -> bool:
    return value is not None and _is_list(operand) and any(_equal(value, item) for item in operand)


def _contains(value: Json, operand: Json) -> bool:
    return _is_list(value) and any(_equal(_plain(item), operand) for item in value)


def _like(value: Json, operand: Json) -> bool:
    if not isinstance(operand, str):
        return False
    if _is_list(value):
        return any(_like(_plain(item), operand) for item in value)
    return value is not None and not isinstance(value, Mapping) and _wildcard(_text(value), operand)


def _ilike(value: Json, operand: Json) -> bool:
    if _is_list(value):
        return any(_ilike(item, operand) for item in value)
    return isinstance(operand, str) and value is not None and _like(_text(value).lower(), operand.lower())


def _text(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _wildcard(text: str, pattern: str) -> bool:
    """SQL's LIKE (`%` any text, `_` any character) without a regular expression, which a peer could make explode."""
    at, wanted, star, resume = 0, 0, -1, 0
    while at < len(text):
        if wanted < len(pattern) and pattern[wanted] == "%":
            star, resume, wanted = wanted, at, wanted + 1
        elif wanted < len(pattern) and pattern[wanted] in ("_", text[at]):
            at, wanted = at + 1, wanted + 1
        elif star >= 0:
            resume += 1
            at, wanted = resume, star + 1
        else:
            return False
    return not pattern[wanted:].strip("%")


def _ordered(test: Callable[[int], bool]) -> Callable[[Json, Json], bool]:
    def compare(value: Json, operand: Json) -> bool:
        if isinstance(value, str) and isinstance(operand, str):
            return test((value > operand) - (value < operand))
        if _is_number(value) and _is_number(operand):
            return test((value > operand) - (value < operand))
        return False

    return compare


def _is_number(value: Json) -> TypeIs[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


_OPERATORS: dict[str, Callable[[Json, Json], bool]] = {
    "=": _equal,
    "!=": lambda value, operand: not _equal(value, operand),
    "in": _among,
    "not in": lambda value, operand: not _among(value, operand),
    "like": _like,
    "ilike": _ilike,
    "contains": _contains,
    "<": _ordered(lambda sign: sign < 0),
    "<=": _ordered(lambda sign: sign <= 0),
    ">": _ordered(lambda sign: sign > 0),
    ">=": _ordered(lambda sign: sign >= 0),
}
_LIST_OPERATORS = frozenset({"in", "not in"})
