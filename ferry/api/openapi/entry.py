"""What the description says of one endpoint beyond its route: a sentence, what goes in, what comes out.

An entry is found by its key: the method and the path below its API's base, so that versions share one. (Decision: the
description is true by construction; a route without an entry, or an entry without a route, fails a test.)
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

# Longest first: what a path begins with, and what stands for it in a key.
_BASES = (
    ("management/v3/", "management/"),
    ("management/v4/", "management/"),
    ("dsp/2025-1/consumer/", "dsp/"),
    ("dsp/2025-1/", "dsp/"),
)


@dataclass(frozen=True, slots=True)
class Many:
    """A list of what a component describes."""

    component: str


type Shape = str | Many | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One endpoint. Shapes are names of components; None is no body. `parameters` are headers, `queries` of the query.

    `optional`: the request may have no body. `answers` are all the statuses that it gives, and nothing else.
    """

    summary: str
    answers: Mapping[int, Shape]
    request: Shape = None
    optional: bool = False
    parameters: tuple[str, ...] = field(default=())
    queries: tuple[str, ...] = field(default=())


def key_of(method: str, route: str) -> str:
    """The key of a route below the host's prefix."""
    for base, short in _BASES:
        if route.startswith(base):
            return f"{method} {short}{route.removeprefix(base)}"
    return f"{method} {route}"
