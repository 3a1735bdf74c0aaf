"""What a page of a long list costs on tables: few requests at rest, and one more for each live process on it."""

import pytest

from bench.listing import Figure, measured
from ferry.emulators.launch import LaunchedEmulators

pytestmark = pytest.mark.emulators

COUNT = 3000
LIVE = 4


@pytest.fixture(scope="module")
def figures(emulators: LaunchedEmulators) -> dict[str, Figure]:
    """The figures of a small table, by name."""
    connection = emulators.participants["consumer"].host_storage.connection_string
    found = measured(connection, count=COUNT, live=LIVE, offsets=(1000, 2000), told=print, rows_only=True)
    return {figure.name: figure for figure in found}


def test_first_page_at_rest_takes_at_most_two_requests(figures: dict[str, Figure]) -> None:
    assert figures["at rest: by time, first page"].requests == 1
    assert figures["at rest: by state COMPLETED, first page"].requests == 2
    assert figures["at rest: by state STARTED, first page"].requests == 1


def test_each_live_process_costs_its_document_and_nothing_more(figures: dict[str, Figure]) -> None:
    assert figures[f"{LIVE} live: by time, first page"].requests == 1 + LIVE
    assert figures[f"{LIVE} live: by state COMPLETED, first page"].requests == 2 + LIVE
    started = figures[f"{LIVE} live: by state STARTED, first page"]
    assert (started.requests, started.found) == (1 + LIVE, LIVE)


@pytest.mark.parametrize("offset", [1000, 2000])
@pytest.mark.parametrize("by", ["time", "state COMPLETED"])
def test_far_page_skips_a_thousand_rows_with_a_request(figures: dict[str, Figure], by: str, offset: int) -> None:
    figure = figures[f"by {by}, offset {offset}"]
    assert figure.found == 50
    assert figure.requests <= 3 + offset / 1000


def test_page_by_link_costs_the_same_however_far_behind(figures: dict[str, Figure]) -> None:
    assert figures["by time, by Link, the dearest page of many"].requests == 1
    assert figures["by state COMPLETED, by Link, the dearest page of many"].requests == 2


def test_bound_of_time_is_served_by_the_index(figures: dict[str, Figure]) -> None:
    figure = figures["by time, before the middle"]
    assert (figure.requests, figure.found) == (2, 50)
