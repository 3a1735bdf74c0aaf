"""Spans: what was done for a transfer, by whom, how long it took and how it ended, on both sides in one trace.

Nothing is recorded, and no OpenTelemetry is imported, until `record_with` was called (FERRY_TELEMETRY). The parent of a
span is what the context says, so a trace goes through queues, documents and peers by its `traceparent` alone.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

trace_parent: ContextVar[str | None] = ContextVar("trace_parent", default=None)

type Attribute = str | int | float | bool


class Kind(StrEnum):
    """On which side of a call a span is, in OpenTelemetry's words."""

    SERVER = "server"
    CLIENT = "client"
    CONSUMER = "consumer"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Named:
    """What a span is called, and what is known of it from the start. Attributes never hold a secret."""

    name: str
    kind: Kind = Kind.INTERNAL
    attributes: Mapping[str, Attribute] = field(default_factory=dict[str, Attribute])


class Span(Protocol):
    """A span that is open."""

    @property
    def trace_parent(self) -> str:
        """How its children name it."""
        ...

    def note(self, **attributes: Attribute) -> None:
        """Add what has become known; names with underscores become dotted ones under `ferry`."""
        ...

    def tell(self, event: str, attributes: Mapping[str, Attribute]) -> None:
        """Something happened at this moment."""
        ...

    def fail(self, code: str) -> None:
        """It did not do what it was to do."""
        ...

    def end(self) -> None:
        """It is over."""
        ...


class Recorder(Protocol):
    """Opens spans."""

    def open(self, named: Named, parent: str | None) -> Span:
        """Begin a span; a root where there is no parent."""
        ...


class _NoSpan:
    trace_parent = ""

    def note(self, **attributes: Attribute) -> None: ...

    def tell(self, event: str, attributes: Mapping[str, Attribute]) -> None: ...

    def fail(self, code: str) -> None: ...

    def end(self) -> None: ...


NO_SPAN: Span = _NoSpan()
_recorder: Recorder | None = None
_current: ContextVar[Span] = ContextVar("span", default=NO_SPAN)


def record_with(recorder: Recorder | None) -> None:
    """From now on spans are opened by this recorder; None: none are."""
    global _recorder  # noqa: PLW0603 - one for the process, like its log
    _recorder = recorder


def is_recording() -> bool:
    """Whether spans are recorded."""
    return _recorder is not None


def current() -> Span:
    """The innermost span that is open here."""
    return _current.get()


@contextmanager
def span(named: Named) -> Generator[Span]:
    """Record what happens inside. An exception that leaves it makes it a failed one."""
    recorder = _recorder
    if recorder is None:
        yield NO_SPAN
        return
    opened = recorder.open(named, trace_parent.get())
    parent_token, span_token = trace_parent.set(opened.trace_parent), _current.set(opened)
    try:
        yield opened
    except BaseException as error:
        # Its text may quote what was sent.
        opened.fail(type(error).__name__)
        raise
    finally:
        trace_parent.reset(parent_token)
        _current.reset(span_token)
        opened.end()


@contextmanager
def nothing() -> Generator[Span]:
    """No span."""
    yield NO_SPAN
