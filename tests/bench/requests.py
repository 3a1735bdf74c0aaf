"""Requests to the service behind the stand-in, without a socket."""

from collections.abc import Mapping

from bench.standin.behaviour import Behaviour
from bench.standin.content import Extent, piece
from bench.standin.http import Answer, Body, Head
from bench.standin.orders import understood
from bench.standin.service import Service

READ = "sp=rl&se=2099-01-01T00:00:00Z&sig=x"
WRITE = "sp=cw&se=2099-01-01T00:00:00Z&sig=x"
ALL = "sp=rcwl&se=2099-01-01T00:00:00Z&sig=x"
MIB = 2**20


class Asked:
    """A service with a source of a few blobs, and short ways to ask it."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.service = Service(behaviour)

    def ask(self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        """One request; `target` begins with the account."""
        told = {"Content-Length": str(len(body)), **(headers or {})}
        lines = "".join(f"\r\n{name}: {value}" for name, value in told.items())
        order = understood(Head(f"{method} /{target} HTTP/1.1{lines}".encode("latin-1")))
        self.service.moved_bytes(order)
        content = Body(len(body), is_hashed=True)
        content.feed(body)
        return self.service.answer(order, content)

    def copy(
        self, name: str, headers: Mapping[str, str] | None = None, *, query: str = WRITE, source: str = READ
    ) -> Answer:
        """Put Blob From URL, or what the headers and the query make of it."""
        told = {"x-ms-copy-source": f"http://127.0.0.1/source/src/{name}?{source}", "x-ms-blob-type": "BlockBlob"}
        told = {key: value for key, value in {**told, **(headers or {})}.items() if value}
        return self.ask("PUT", f"destination/dst/{name}?{query}", told)

    def name(self, number: int = 0) -> str:
        """The name of a blob."""
        return self.service.source.name(number)

    def etag(self, number: int = 0) -> str:
        """Its ETag now."""
        return self.service.source.blob(number).etag

    def content(self, number: int = 0) -> bytes:
        """Its bytes now; at most a MiB."""
        extent: Extent = self.service.source.blob(number).extent
        return bytes(piece(extent.position, extent.size_bytes))


def said(answer: Answer) -> tuple[int, str]:
    """Status and code."""
    return answer.status, answer.code
