"""An HTTP answer as it came: headers are taken apart only when somebody asks for one."""

from collections.abc import Iterator, Mapping
from typing import overload

from ferry.ports.blob_sides import WireLost


class Headers(Mapping[str, str]):
    """The headers of an answer by lower-case name, read at the first look. The first of several of a name counts."""

    __slots__ = ("_found", "_head")

    def __init__(self, head: bytes) -> None:
        self._head = head
        self._found: dict[str, str] | None = None

    def __getitem__(self, name: str) -> str:
        return self._read()[name]

    @overload
    def get(self, key: str, default: None = None, /) -> str | None: ...

    @overload
    def get[T](self, key: str, default: str | T, /) -> str | T: ...

    def get(self, key: str, default: object = None, /) -> object:
        """A header, or the default; one that is not there costs one search in the bytes."""
        found = self._found
        if found is None:
            if b"\r\n%b:" % key.encode("latin-1") not in self._head.lower():
                return default
            found = self._read()
        return found.get(key, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __repr__(self) -> str:
        return repr(self._read())

    def _read(self) -> dict[str, str]:
        found = self._found
        if found is None:
            found = self._found = {}
            for line in self._head.split(b"\r\n")[1:]:
                name, colon, value = line.partition(b":")
                if colon:
                    found.setdefault(name.decode("latin-1").lower(), value.strip(b" \t").decode("latin-1"))
        return found


class RawAnswer:
    """One answer: status, the bytes of its head, its body (empty where it went to a sink)."""

    __slots__ = ("body", "head", "status")

    def __init__(self, status: int, head: bytes, body: bytes) -> None:
        self.status = status
        self.head = head
        self.body = body

    @property
    def headers(self) -> Headers:
        """Its headers, not read yet."""
        return Headers(self.head)


class TooLong(WireLost):
    """An answer of that status had a longer body than was expected, and was left."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message, was_sent=True)
        self.status = status
