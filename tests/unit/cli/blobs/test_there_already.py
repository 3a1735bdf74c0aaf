"""The destination's listing beside the source's: what is found, however the pages of the two are cut."""

import random

import pytest

from ferry.cli.blobs.there_already import Likeness, ThereAlready, likeness
from ferry.ports.storage import BlobItem, BlobPage, SourceBlob


class Listing:
    """Names in pages of a fixed length; counts the requests."""

    def __init__(self, names: list[str], page: int) -> None:
        self._names = sorted(names)
        self._page = page
        self.requests = 0

    def __call__(self, after: str | None) -> BlobPage:
        self.requests += 1
        start = 0 if after is None else int(after)
        end = start + self._page
        items = tuple(BlobItem(name, 1, '"e"') for name in self._names[start:end])
        return BlobPage(items, str(end) if end < len(self._names) else None)


def blobs(names: list[str]) -> list[SourceBlob]:
    return [SourceBlob(BlobItem(name, 1, '"e"'), name) for name in names]


@pytest.mark.parametrize("seed", range(20))
def test_exactly_what_is_there_is_found_whatever_the_pages(seed: int) -> None:
    chance = random.Random(seed)
    names = sorted({f"{chance.randrange(60):03}" for _ in range(40)})
    there = sorted(name for name in {f"{chance.randrange(60):03}" for _ in range(40)})
    listing = Listing(there, chance.randint(1, 7))
    already, found = ThereAlready(listing), set[str]()
    size = chance.randint(1, 9)
    for start in range(0, len(names), size):
        page = already.among(blobs(names[start : start + size]))
        assert page.keys() <= set(names[start : start + size])
        found |= page.keys()
    assert found == set(names) & set(there)


def test_empty_destination_costs_one_request_for_all_pages() -> None:
    listing = Listing([], 5)
    already = ThereAlready(listing)
    for start in range(10):
        assert already.among(blobs([f"{start}a", f"{start}b"])) == {}
    assert listing.requests == 1


def test_destination_is_not_read_beyond_what_is_copied() -> None:
    listing = Listing([f"{number:03}" for number in range(100)], 10)
    ThereAlready(listing).among(blobs(["005", "012"]))
    assert listing.requests == 2


@pytest.mark.parametrize(
    ("source", "there", "kind"),
    [
        ((5, "m"), (5, "m"), Likeness.SAME),
        ((5, "m"), (5, "n"), Likeness.OTHER),
        ((5, None), (5, "n"), Likeness.SAME_SIZE),
        ((5, "m"), (6, "m"), Likeness.OTHER),
        ((-1, None), (6, "m"), Likeness.SAME_SIZE),
    ],
)
def test_likeness_is_told_by_size_and_md5(
    source: tuple[int, str | None], there: tuple[int, str | None], kind: Likeness
) -> None:
    one, other = (BlobItem("n", size, '"e"', content_md5=md5) for size, md5 in (source, there))
    assert likeness(one, other) is kind
