"""Where a copy stands: what a later slice, or another worker, needs to go on (design section 5).

A page is begun only after its attempt was saved. So a blob that exists although this page is attempted for the first
time was not written by us, and one that exists later was: our own reply was lost.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ferry.data_plane.manifest import DeliveryTally
from ferry.domain.process import Json, JsonObject
from ferry.ports import BlobItem, SourceBlob


@dataclass(slots=True)
class CopyCheckpoint:
    """The page being copied (`after` leads to it), its attempts, the last blob of it that is done, what is delivered.

    `methods` counts what earlier slices did; `steps` are the numbers and times of the steps so far.
    """

    after: str | None = None
    done_through: str | None = None
    page_attempt: int = 0
    tally: DeliveryTally = field(default_factory=DeliveryTally)
    methods: Counter[str] = field(default_factory=Counter[str])
    steps: dict[int, str] = field(default_factory=dict[int, str])

    def remaining(self, items: Sequence[BlobItem]) -> Sequence[BlobItem]:
        """The blobs of the page that are still to be copied."""
        if self.done_through is None:
            return items
        for index, item in enumerate(items):
            if item.name == self.done_through:
                return items[index + 1 :]
        # It was deleted in the meantime; by the order of the listing it can only have stood here.
        return [item for item in items if item.name > self.done_through]

    def done(self, blob: SourceBlob) -> None:
        """The next blob of the page is at the destination."""
        self.tally.add(blob.target_name, blob.item.size_bytes)
        self.done_through = blob.item.name

    def turn_page(self, next_marker: str) -> None:
        """The page is done."""
        self.after, self.done_through, self.page_attempt = next_marker, None, 0

    def to_json(self, methods: Mapping[str, int]) -> dict[str, Json]:
        """The checkpoint as it is saved; `methods` are those of the slice that is running."""
        return {
            "after": self.after,
            "done_through": self.done_through,
            "page_attempt": self.page_attempt,
            "methods": dict(self.methods + Counter(methods)),
            "steps": self.steps_json(),
            **self.tally.to_json(),
        }

    def steps_json(self) -> list[Json]:
        """The steps as pairs of number and time."""
        return [[number, at] for number, at in sorted(self.steps.items())]

    @classmethod
    def from_json(cls, saved: JsonObject | None) -> "CopyCheckpoint":
        """The checkpoint that was saved; a fresh one where there is none."""
        if saved is None:
            return cls()
        after, done_through, attempt = saved.get("after"), saved.get("done_through"), saved.get("page_attempt")
        return cls(
            after=after if isinstance(after, str) else None,
            done_through=done_through if isinstance(done_through, str) else None,
            page_attempt=attempt if isinstance(attempt, int) else 0,
            tally=DeliveryTally.from_json(saved),
            methods=_counts(saved.get("methods")),
            steps=_steps(saved.get("steps")),
        )


def _counts(saved: Json) -> Counter[str]:
    if not isinstance(saved, Mapping):
        return Counter()
    return Counter({name: count for name, count in saved.items() if isinstance(count, int)})


def _steps(saved: Json) -> dict[int, str]:
    steps: dict[int, str] = {}
    for pair in saved if isinstance(saved, Sequence) and not isinstance(saved, str) else ():
        match pair:
            case [int(number), str(at)]:
                steps[number] = at
            case _:
                raise ValueError("not a step of a copy")
    return steps
