"""Reads the bodies of management requests: JSON-LD in the forms that EDC's clients send, and every fault of it at once.

Names stand bare, with a prefix or as full IRIs; values bare, in a list of one, or wrapped in `@value`, `@id`, `@list`
or `@set`. Of a context only the prefixes of EDC's and ODRL's namespaces count: everything else reads alike under the
contexts that EDC documents. (Design: wire.)
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeIs

from ferry.api.http import ApiRequest
from ferry.api.management.contexts import with_known_prefixes
from ferry.domain.data_address import EDC_NAMESPACE
from ferry.domain.faults import InputFault, InvalidInput
from ferry.domain.process import Json, JsonObject
from ferry.protocol.reader import DEPTH_LIMIT, FAULT_LIMIT, child_path, load

ID_LIMIT = 1024
SHOWN_LIMIT = 200

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_VALUE_KEYS = frozenset({"@value", "@type", "@language", "@direction"})


def load_body(request: ApiRequest, *, optional: bool = False) -> JsonObject:
    """The JSON object in the body; empty where there is no body and it is `optional`. Raises InvalidInput."""
    if optional and not request.body.strip():
        return {}
    body = load(request.body)
    _check_depth_and_text(body)
    return with_known_prefixes(body)


def short_name(name: str) -> str:
    """A name without EDC's namespace or prefix; any other as it is."""
    return name.removeprefix(EDC_NAMESPACE).removeprefix("edc:")


def members(raw: JsonObject) -> dict[str, Json]:
    """The members by short name, without context and nulls; of two spellings of a name the short one counts."""
    found: dict[str, Json] = {}
    for name, value in raw.items():
        short = short_name(name)
        if value is not None and name != "@context" and (short == name or short not in raw):
            found[short] = value
    return found


def plain(value: Json) -> Json:
    """A value without its wrappers: the one in a list of one, or in `@value`, `@list`, `@set` or a lone `@id`."""
    if is_list(value):
        return plain(value[0]) if len(value) == 1 else [plain(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if "@value" in value and value.keys() <= _VALUE_KEYS:
        return value["@value"]
    if len(value) == 1:
        for wrapper in ("@id", "@list", "@set"):
            if wrapper in value:
                return value[wrapper]
    return value


def free_properties(raw: JsonObject) -> dict[str, Json]:
    """Properties whose names a client makes up: EDC's own without prefix, values without wrappers."""
    return {short_name(name): plain(value) for name, value in raw.items() if name != "@context"}


def is_list(value: Json) -> TypeIs[Sequence[Json]]:
    """Whether it is a JSON array."""
    return isinstance(value, Sequence) and not isinstance(value, str)


class BodyReader:
    """Reads the members of one object and collects the faults that it meets; `path` is where the object stands."""

    def __init__(self, raw: JsonObject, path: str = "") -> None:
        self._members = members(raw)
        self._path = path
        self.faults: list[InputFault] = []

    def has(self, name: str) -> bool:
        """Whether the member is there, and not null."""
        return name in self._members

    def fault(self, name: str, message: str, value: Json = None) -> None:
        """Note a fault of a member."""
        shown = value[:SHOWN_LIMIT] if isinstance(value, str) else None
        self.faults.append(InputFault(child_path(self._path, name), message, shown))

    def text(self, name: str, *, required: bool = True, limit: int = ID_LIMIT) -> str:
        """A member as text; empty where it is absent or blank."""
        value = plain(self._members.get(name))
        if value is None or (isinstance(value, str) and not value.strip()):
            if required:
                self.fault(name, "is required")
            return ""
        if not isinstance(value, str):
            self.fault(name, "must be a string")
            return ""
        if len(value) > limit:
            self.fault(name, f"has {len(value)} characters, at most {limit} are allowed")
        elif _CONTROL.search(value):
            self.fault(name, "holds control characters")
        return value

    def boolean(self, name: str, *, default: bool) -> bool:
        """A member that is true or false."""
        value = plain(self._members.get(name))
        if value is None:
            return default
        if not isinstance(value, bool):
            self.fault(name, "must be true or false", value)
            return default
        return value

    def integer(self, name: str, *, low: int, high: int) -> int | None:
        """A whole number from `low` to `high`; None where it is absent."""
        value = plain(self._members.get(name))
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.fault(name, f"must be a whole number from {low} to {high}", str(value))
            return None
        return value

    def object(self, name: str, *, required: bool = False) -> JsonObject:
        """A member that is an object, also wrapped or in a list of one; empty where it is absent, unless required."""
        items = as_items(self._members.get(name))
        value: Json = items[0] if len(items) == 1 else items or None
        if isinstance(value, Mapping) and "@value" in value and value.keys() <= _VALUE_KEYS:
            value = value["@value"]
        if value is not None and not isinstance(value, Mapping):
            self.fault(name, "must be an object")
            return {}
        if required and not value:
            self.fault(name, "is required")
        return value or {}

    def objects(self, name: str) -> list[JsonObject]:
        """A member that is a list of objects, or one object."""
        found: list[JsonObject] = []
        for number, item in enumerate(as_items(self._members.get(name))):
            if isinstance(item, Mapping):
                found.append(item)
            else:
                self.fault(f"{name}[{number}]", "must be an object")
        return found

    def identifier(self, *, fresh: Callable[[], str]) -> str:
        """The `@id`, or a fresh one."""
        return self.text("@id", required=False) or fresh()

    def collect[T](self, read: Callable[[], T]) -> T | None:
        """What `read` gives; the faults that it raises are noted, and then it is None."""
        try:
            return read()
        except InvalidInput as error:
            self.faults.extend(error.faults)
            return None

    def finish(self) -> None:
        """Raise InvalidInput with every fault that was met, if any."""
        if self.faults:
            raise InvalidInput(tuple(self.faults[:FAULT_LIMIT]))


def as_items(value: Json) -> Sequence[Json]:
    """The items of a list; a single value, or one wrapped in `@list` or `@set`, as a list."""
    if value is None:
        return ()
    if isinstance(value, Mapping) and len(value) == 1:
        for wrapper in ("@list", "@set"):
            if wrapper in value:
                return as_items(value[wrapper])
    return value if is_list(value) else (value,)


def _check_depth_and_text(body: JsonObject) -> None:
    level: list[Json] = [body]
    for _ in range(DEPTH_LIMIT):
        level = [inner for value in level for inner in _inner(value)]
        if any(isinstance(value, str) and _SURROGATE.search(value) for value in level):
            raise InvalidInput.at("$", "holds half a surrogate pair, which is not text")
        if not level:
            return
    raise InvalidInput.at("$", f"is nested deeper than {DEPTH_LIMIT} levels")


def _inner(value: Json) -> Iterable[Json]:
    if isinstance(value, Mapping):
        return (*value.keys(), *value.values())
    return value if is_list(value) else ()
