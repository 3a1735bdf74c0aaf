"""JSON of the domain's dataclasses, derived from their annotations (design: one document per process).

Fields keep their names; a field that is None by default is left out while it is None. Reading fills in the defaults of
missing keys and passes over unknown ones, so that a document may be older or newer than the code. A type that does not
belong in a document (a Secret, say) has no codec, and using it raises TypeError.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, TypeAliasType, Union, cast, get_args, get_origin, get_type_hints

from ferry.domain.process import Json, JsonObject

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

type _Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Codec:
    """How values of one type are written and read; `encode` None where they are JSON as they are."""

    encode: _Convert | None
    decode: _Convert


def to_json(document: "DataclassInstance") -> JsonObject:
    """The document as JSON. Parts that are JSON already are not copied."""
    encode = _codec(type(document)).encode
    return cast("JsonObject", encode(document) if encode else document)


def from_json[T](cls: type[T], data: JsonObject) -> T:
    """A document of that class. Raises ValueError, naming the class and the key, where the JSON does not fit."""
    return cast("T", _codec(cls).decode(data))


def to_bytes(document: "DataclassInstance") -> bytes:
    """The document as compact JSON text in UTF-8. Raises TypeError for what JSON cannot hold."""
    return json_bytes(to_json(document))


def from_bytes[T](cls: type[T], text: bytes) -> T:
    """A document of that class from JSON text. Raises ValueError as `from_json`."""
    return from_json(cls, json.loads(text))


def json_bytes(value: Json) -> bytes:
    """Compact JSON text in UTF-8; half a surrogate pair, which peers can send as an escape, survives."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


@cache
def _codec(annotation: object) -> _Codec:
    """The codec of a type; built once."""
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if isinstance(annotation, TypeAliasType):
        return _codec(annotation.__value__)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return _optional(annotation, arguments)
    if origin is tuple and len(arguments) == 2 and arguments[1] is Ellipsis:
        return _tuple_of(_codec(arguments[0]))
    if origin is Mapping:
        return _Codec(None, _json_of(dict, Mapping))
    if origin is Sequence:
        return _Codec(None, _json_of(list, Sequence))
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return _Codec(str, annotation)
    if isinstance(annotation, type) and is_dataclass(annotation):
        return _dataclass(annotation)
    raise TypeError(f"{annotation!r} does not belong in a document")


def _exactly(expected: type) -> _Convert:
    def decode(value: object) -> object:
        if type(value) is not expected:
            raise _mismatch(value, expected)
        return value

    return decode


def _json_of(plain: type, abstract: type) -> _Convert:
    def decode(value: object) -> object:
        # The check against an abstract class is slow, and hardly ever needed.
        if type(value) is not plain and not isinstance(value, abstract):
            raise _mismatch(value, plain)
        return value

    return decode


def _mismatch(value: object, expected: type) -> ValueError:
    return ValueError(f"{type(value).__name__} where {expected.__name__} is expected")


def _decode_float(value: object) -> float:
    if type(value) is not float and type(value) is not int:
        raise _mismatch(value, float)
    return float(value)


def _encode_time(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError(f"the time {value.isoformat()} has no zone")
    utc = value if value.tzinfo is UTC else value.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")


def _decode_time(value: object) -> datetime:
    if type(value) is not str:
        raise _mismatch(value, str)
    time = datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError(f"the time {value} has no zone")
    return time if time.tzinfo is UTC else time.astimezone(UTC)


_PLAIN: dict[object, _Codec] = {
    str: _Codec(None, _exactly(str)),
    int: _Codec(None, _exactly(int)),
    float: _Codec(None, _decode_float),
    bool: _Codec(None, _exactly(bool)),
    datetime: _Codec(_encode_time, _decode_time),
    Json: _Codec(None, lambda value: value),
}


def _optional(annotation: object, arguments: tuple[object, ...]) -> _Codec:
    inner = [argument for argument in arguments if argument is not NoneType]
    if len(inner) != 1:
        raise TypeError(f"{annotation!r} does not belong in a document: of unions, only X | None")
    encode, decode = _codec(inner[0]).encode, _codec(inner[0]).decode
    return _Codec(
        None if encode is None else lambda value: None if value is None else encode(value),
        lambda value: None if value is None else decode(value),
    )


def _tuple_of(item: _Codec) -> _Codec:
    encode, decode = item.encode, item.decode

    def decode_items(value: object) -> object:
        if not isinstance(value, list):
            raise _mismatch(value, list)
        return tuple(map(decode, cast("list[object]", value)))

    return _Codec(list if encode is None else lambda value: list(map(encode, value)), decode_items)


def _blame(cls: type, data: Mapping[str, object], decoders: Sequence[tuple[str, _Convert]]) -> None:
    """Decode once more, to name the field at fault; the loop that does the work has no time for it."""
    for name, decode_value in decoders:
        try:
            decode_value(data.get(name))
        except ValueError as error:
            if name in data:
                raise ValueError(f"{cls.__name__}.{name}: {error}") from error


def _dataclass(cls: "type[DataclassInstance]") -> _Codec:
    hints = get_type_hints(cls)
    codecs = {field.name: _codec(hints[field.name]) for field in fields(cls)}
    required = {f.name for f in fields(cls) if f.default is MISSING and f.default_factory is MISSING}
    omitted = {f.name for f in fields(cls) if f.default is None}
    encoders = [(name, codec.encode, name in omitted) for name, codec in codecs.items()]
    decoders = [(name, codec.decode) for name, codec in codecs.items()]

    def encode(document: object) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for name, encode_value, may_be_omitted in encoders:
            value = getattr(document, name)
            if value is None and may_be_omitted:
                continue
            data[name] = value if encode_value is None else encode_value(value)
        return data

    def decode(data: object) -> object:
        if type(data) is not dict and not isinstance(data, Mapping):
            raise _mismatch(data, cls)
        known = cast("Mapping[str, object]", data)
        try:
            values = {name: decode_value(known[name]) for name, decode_value in decoders if name in known}
        except ValueError:
            _blame(cls, known, decoders)
            raise
        if missing := required - values.keys():
            raise ValueError(f"{cls.__name__}: {', '.join(sorted(missing))} missing")
        return cls(**values)

    return _Codec(encode, decode)
