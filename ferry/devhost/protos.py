"""Stand-ins for the protobuf messages that the worker library builds and reads.

The library is handed `PROTOS` instead of generated code; it only sets and reads attributes, so bags of attributes do
for all but five messages.
"""

from __future__ import annotations

from typing import ClassVar


class Message:
    """A message as a bag of fields; a field that was not set reads as None, as in the library's own checks."""

    def __init__(self, **fields: object) -> None:
        self.__dict__.update(fields)

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return None


class TypedData:
    """One value with its kind: `TypedData(string="x")`, `TypedData(http=...)`, or nothing at all."""

    __slots__ = ("kind", "value")

    def __init__(self, **fields: object) -> None:
        if len(fields) > 1:
            raise TypeError(f"TypedData holds one kind of value, not {sorted(fields)}")
        self.kind: str | None = None
        self.value: object = None
        for kind, value in fields.items():
            self.kind, self.value = kind, value

    def WhichOneof(self, _group: str) -> str | None:
        """Kind of the value, None when unset."""
        return self.kind

    def __getattr__(self, name: str) -> object:
        if name == self.kind:
            return self.value
        raise AttributeError(name)


class ParameterBinding:
    """A named value that goes into or comes out of an invocation."""

    __slots__ = ("data", "name")

    def __init__(self, *, name: str, data: TypedData | None) -> None:
        self.name = name
        self.data = data

    def WhichOneof(self, _group: str) -> str:
        """Always `data`: shared memory is not offered."""
        return "data"


class StatusResult(Message):
    """Outcome of a request to the worker."""

    Failure: ClassVar[int] = 0
    Success: ClassVar[int] = 1
    Cancelled: ClassVar[int] = 2

    def __init__(self, *, status: int, exception: object = None) -> None:
        super().__init__(status=status, exception=exception)


class BindingInfo(Message):
    """Direction and data type numbers of a binding."""

    in_: ClassVar[int] = 0
    out: ClassVar[int] = 1
    inout: ClassVar[int] = 2
    undefined: ClassVar[int] = 0
    string: ClassVar[int] = 1
    binary: ClassVar[int] = 2
    stream: ClassVar[int] = 3


class SameSite:
    """Numbers of the cookie attribute; `None` is a keyword, so the library reads it by getattr."""

    Lax: ClassVar[int] = 1
    Strict: ClassVar[int] = 2
    ExplicitNone: ClassVar[int] = 3


setattr(SameSite, "None", 0)


class RpcHttpCookie(Message):
    """A Set-Cookie header, which leaves the worker in parts."""

    SameSite: ClassVar[type[SameSite]] = SameSite


class Protos:
    """What the library takes for its module of generated messages."""

    TypedData = TypedData
    ParameterBinding = ParameterBinding
    StatusResult = StatusResult
    BindingInfo = BindingInfo
    RpcHttpCookie = RpcHttpCookie

    def __getattr__(self, name: str) -> type[Message]:
        if name.startswith("_"):
            raise AttributeError(name)
        return Message


PROTOS = Protos()
