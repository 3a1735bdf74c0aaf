"""Tolerant reading of Dataspace Protocol JSON: whatever the spelling, plain JSON with short terms comes out.

Understands 2025-1, and 2024-1 and 0.8 with their prefixes, full IRIs, `@id` and `@value` wrappers, and object-or-array.
No JSON-LD is processed: a context is dropped unread. (Design: wire.)
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import TypeIs

from ferry.domain.faults import InputFault, InvalidInput
from ferry.domain.process import Json, JsonObject
from ferry.protocol.terms import LIST_TERMS, OBJECT_TERMS, SINGLE_TERMS, TERM_VALUED, left_operand, short_term

DEPTH_LIMIT = 32
FAULT_LIMIT = 100
BODY_LIMIT_BYTES = 1024 * 1024

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_VALUE_KEYS = frozenset({"@value", "@type", "@language", "@direction"})


def read(body: Json) -> JsonObject:
    """The message in plain JSON with short terms. Raises InvalidInput with every fault that it meets."""
    if not isinstance(body, Mapping):
        raise InvalidInput.at("$", "must be a JSON object")
    reader = _Reader()
    message = reader.object(body, "", 1)
    if reader.faults:
        raise InvalidInput(tuple(reader.faults[:FAULT_LIMIT]))
    return message


def load(raw: bytes, *, limit_bytes: int = BODY_LIMIT_BYTES) -> JsonObject:
    """The JSON object in a request's body. Raises InvalidInput where it is too large, not JSON or not an object."""
    if len(raw) > limit_bytes:
        raise InvalidInput.at("$", f"the body has {len(raw)} bytes, at most {limit_bytes} are read")
    try:
        body: object = json.loads(raw, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise InvalidInput.at("$", f"is nested deeper than {DEPTH_LIMIT} levels") from None
    except ValueError:
        raise InvalidInput.at("$", "is not JSON") from None
    if not isinstance(body, dict):
        raise InvalidInput.at("$", "must be a JSON object")
    return body  # pyright: ignore[reportUnknownVariableType] - what json.loads made is JSON


def child_path(path: str, key: str | int) -> str:
    """The JSON path of a member or an element."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key


def objects_in(value: Json) -> list[JsonObject]:
    """The objects in a list; anything else has none."""
    return [item for item in value if isinstance(item, Mapping)] if _is_list(value) else []


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


class _Reader:
    """One reading of one message; collects the faults that it meets."""

    def __init__(self) -> None:
        self.faults: list[InputFault] = []

    def object(self, raw: Mapping[str, Json], path: str, depth: int) -> dict[str, Json]:
        """An object with short terms, without nulls. Of two spellings of one term, the short one counts."""
        result: dict[str, Json] = {}
        for key, value in raw.items():
            term = short_term(self.text(key, path or "$"))
            is_second_spelling = term != key and (term in raw or term in result)
            if value is None or key == "@context" or is_second_spelling:
                continue
            result[term] = self.member(term, value, child_path(path, term), depth)
        return result

    def member(self, term: str, value: Json, path: str, depth: int) -> Json:
        """The value of a term, as list, single value or term where the term asks for it."""
        plain = self.value(value, path, depth, keep_objects=term in OBJECT_TERMS)
        if term in LIST_TERMS:
            return plain if _is_list(plain) else [] if plain is None else [plain]
        if term in SINGLE_TERMS and _is_list(plain) and len(plain) == 1:
            plain = plain[0]
        if term == "leftOperand" and isinstance(plain, str):
            return left_operand(plain)
        if term in TERM_VALUED and isinstance(plain, str):
            return short_term(plain)
        return plain

    def value(self, value: Json, path: str, depth: int, *, keep_objects: bool = False) -> Json:
        """Any value; wrappers are taken off."""
        if isinstance(value, str):
            return self.text(value, path)
        if depth >= DEPTH_LIMIT and isinstance(value, Mapping | Sequence):
            self.faults.append(InputFault(path, f"is nested deeper than {DEPTH_LIMIT} levels"))
            return None
        if isinstance(value, Mapping):
            return self.unwrapped(value, path, depth, keep_objects=keep_objects)
        if isinstance(value, Sequence):
            return [
                self.value(item, child_path(path, index), depth + 1, keep_objects=keep_objects)
                for index, item in enumerate(value)
            ]
        return value

    def unwrapped(self, value: Mapping[str, Json], path: str, depth: int, *, keep_objects: bool) -> Json:
        """What an `@value`, `@list`, `@set` or lone `@id` wraps; any other object as an object."""
        if "@value" in value and value.keys() <= _VALUE_KEYS:
            return self.value(value["@value"], path, depth + 1)
        for wrapper in ("@list", "@set"):
            if wrapper in value and len(value) == 1:
                return self.value(value[wrapper], path, depth + 1, keep_objects=keep_objects)
        if len(value) == 1 and "@id" in value and not keep_objects:
            return self.value(value["@id"], path, depth + 1)
        return self.object(value, path, depth + 1)

    def text(self, value: str, path: str) -> str:
        """A string that can be written again."""
        if _SURROGATE.search(value):
            self.faults.append(InputFault(path, "holds half a surrogate pair, which is not text"))
            return ""
        return value


def _is_list(value: Json) -> TypeIs[Sequence[Json]]:
    return isinstance(value, Sequence) and not isinstance(value, str)
