"""Where a copy stands: what a later slice, or another worker, needs to go on (design section 5).

A small copy is one page: its checkpoint is the page's state. A large one is a listing that begins pages: its checkpoint
is how far it has listed. A blob that exists although nothing was begun before was not written by us; one that exists
later was: our own reply was lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ferry.data_plane.copying.page import PageState
from ferry.data_plane.manifest import DeliveryTally
from ferry.domain.process import Json, JsonObject

# So many lists are named in the marker by their hashes at most.
HASHES_LIMIT = 512


@dataclass(slots=True)
class Cursor:
    """How far a large copy has been listed and begun.

    `listing` is the number of the listed page that is next, and `after` what leads to it; with `cut` above 0 it is kept
    already, and so many of its pages are begun. `pages` were begun in all. `hashes` are those of the lists, None once
    they are too many.
    """

    after: str | None = None
    listing: int = 0
    cut: int = 0
    pages: int = 0
    is_listed: bool = False
    tally: DeliveryTally = field(default_factory=DeliveryTally)
    hashes: list[str] | None = field(default_factory=list[str])

    def add_hash(self, digest: str) -> None:
        """One more list."""
        if self.hashes is not None:
            self.hashes = [*self.hashes, digest] if len(self.hashes) < HASHES_LIMIT else None


@dataclass(slots=True)
class Recount:
    """What was delivered, read again from the lists: how far that has come."""

    listing: int = 0
    pages: int = 0
    tally: DeliveryTally = field(default_factory=DeliveryTally)


@dataclass(slots=True)
class CopyCheckpoint:
    """The checkpoint of a flow's copy. `begun`: something may have been written; `is_kept`: the list of a small one is.

    `steps` are the numbers and times of the steps so far. `rung_at`: when pages that nobody had begun were called for.
    """

    begun: bool = False
    is_kept: bool = False
    steps: dict[int, str] = field(default_factory=dict[int, str])
    state: PageState = field(default_factory=PageState)
    cursor: Cursor | None = None
    recount: Recount | None = None
    rung_at: str = ""

    def to_json(self) -> dict[str, Json]:
        """As it is saved."""
        saved: dict[str, Json] = {"begun": self.begun, "steps": self.steps_json()}
        if self.cursor is None:
            saved |= {"kept": self.is_kept, "page": self.state.to_json()}
            return saved
        tally = self.cursor.tally
        saved |= {
            "after": self.cursor.after,
            "listing": self.cursor.listing,
            "cut": self.cursor.cut,
            "pages": self.cursor.pages,
            "listed": self.cursor.is_listed,
            "tally": tally.to_json(with_entries=False),
            "total": [tally.blobs, tally.size_bytes],
            "hashes": None if self.cursor.hashes is None else list(self.cursor.hashes),
            "rung": self.rung_at,
        }
        if self.recount is not None:
            counted = self.recount
            told = {"listing": counted.listing, "pages": counted.pages, "tally": counted.tally.to_json()}
            saved["recount"] = told
        return saved

    def steps_json(self) -> list[Json]:
        """The steps as pairs of number and time."""
        return [[number, at] for number, at in sorted(self.steps.items())]

    @classmethod
    def from_json(cls, saved: JsonObject | None) -> "CopyCheckpoint":
        """The checkpoint that was saved; a fresh one where there is none."""
        if saved is None:
            return cls()
        steps, begun = _steps(saved.get("steps")), saved.get("begun") is True
        if "pages" not in saved:
            page = saved.get("page")
            state = PageState.from_json(page if isinstance(page, dict) else None)
            return cls(begun=begun, is_kept=saved.get("kept") is True, steps=steps, state=state)
        rung = saved.get("rung")
        return cls(
            begun=begun,
            steps=steps,
            cursor=_cursor(saved),
            recount=_recount(saved.get("recount")),
            rung_at=rung if isinstance(rung, str) else "",
        )


def _cursor(saved: JsonObject) -> Cursor:
    after, hashes = saved.get("after"), saved.get("hashes")
    known = [it for it in hashes if isinstance(it, str)] if isinstance(hashes, Sequence) else None
    return Cursor(
        after=after if isinstance(after, str) else None,
        listing=_number(saved, "listing"),
        cut=_number(saved, "cut"),
        pages=_number(saved, "pages"),
        is_listed=saved.get("listed") is True,
        tally=_tally(saved.get("tally")),
        hashes=known,
    )


def _recount(saved: Json) -> Recount | None:
    if not isinstance(saved, Mapping):
        return None
    return Recount(_number(saved, "listing"), _number(saved, "pages"), _tally(saved.get("tally")))


def _tally(saved: Json) -> DeliveryTally:
    return DeliveryTally.from_json(saved) if isinstance(saved, Mapping) else DeliveryTally()


def _number(saved: JsonObject, name: str) -> int:
    value = saved.get(name)
    return value if isinstance(value, int) else 0


def _steps(saved: Json) -> dict[int, str]:
    steps: dict[int, str] = {}
    for pair in saved if isinstance(saved, Sequence) and not isinstance(saved, str) else ():
        match pair:
            case [int(number), str(at)]:
                steps[number] = at
            case _:
                raise ValueError("not a step of a copy")
    return steps
