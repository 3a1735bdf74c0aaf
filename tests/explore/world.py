"""What there is outside the two documents: container, policy, secrets, data, marker, flow; and what is under way."""

from typing import NamedTuple


class World(NamedTuple):
    """The outside. `delivered`: data and marker were really there at some time. `flow`: none, running, done, ended."""

    container: bool = False
    policy: bool = False
    consumer_secret: bool = False
    provider_secret: bool = False
    data: bool = False
    marker: bool = False
    delivered: bool = False
    flow: str = "none"
    flows_started: int = 0


class Result(NamedTuple):
    """An effect that has been performed and whose result is not applied yet: `side` is who waits for it.

    `snapshot` is for the seeded defect of an engine that writes without If-Match: the document that it will overwrite
    the present one from. 0: whoever applies the result reads the document first.
    """

    side: str
    intent: str
    outcome: str
    snapshot: int = 0


class Situation(NamedTuple):
    """One global state. `consumer` and `provider` are numbers of documents.

    `results`: under way to the documents; `accepting`: the provider is handling a transfer request (0 no, 1 inserted,
    2 secret stored); `ghosts`: messages that were repeated on the way and may still arrive; the rest are budgets: how
    often something may still go wrong or be asked for.
    """

    consumer: int
    provider: int
    world: World
    results: frozenset[Result] = frozenset()
    accepting: int = 0
    ghosts: frozenset[str] = frozenset()
    faults: int = 0
    repeats: int = 0
    crashes: int = 0
    deadlines: int = 0
    terminations: int = 0
    deprovisions: int = 0
