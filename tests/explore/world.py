"""What there is outside the two documents: container, policy, secrets, data, marker, flow; and what is under way."""

from typing import NamedTuple

GONE = "gone"


class World(NamedTuple):
    """The outside. `delivered`: data and marker were really there at some time. `forged`: the marker is a stranger's.

    `flow` is none, running, paused, done, failed or ended.
    """

    container: bool = False
    policy: bool = False
    consumer_secret: bool = False
    provider_secret: bool = False
    data: bool = False
    marker: bool = False
    forged: bool = False
    delivered: bool = False
    flow: str = "none"
    flows_started: int = 0


class Result(NamedTuple):
    """An effect that somebody on `side` has begun, or whose result is not committed yet.

    `intent` is the intent's name in the document of now; `KIND#gone` where it was withdrawn or done by somebody else.
    `snapshot` is for the seeded defect of an engine that writes without If-Match: the document that it will overwrite
    the present one from. 0: whoever commits the result reads the document first.
    """

    side: str
    intent: str
    outcome: str
    snapshot: int = 0

    @property
    def is_under_way(self) -> bool:
        """Whether the effect has begun and not ended."""
        return self.outcome == "begun"

    @property
    def is_wanted(self) -> bool:
        """Whether the document still waits for it."""
        return not self.intent.endswith(f"#{GONE}")


class Situation(NamedTuple):
    """One global state: the two documents by number, the network, the world.

    `results`: under way to the documents; `accepting`: the provider is handling a transfer request (0 no, 1 inserted,
    2 secret stored); `ghosts`: messages that were repeated on the way and may still arrive; `taken`: messages that were
    answered with success, and `contradicted` the one that was answered otherwise, or moved something, when it came
    again.
    """

    consumer: int
    provider: int
    world: World
    results: frozenset[Result] = frozenset()
    accepting: int = 0
    ghosts: frozenset[str] = frozenset()
    taken: frozenset[str] = frozenset()
    contradicted: str = ""


class Move(NamedTuple):
    """A successor. `mishaps` is 1 where something happened that need not have: a fault, a death, an order."""

    label: str
    after: Situation
    mishaps: int = 0
