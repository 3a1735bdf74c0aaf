"""A copy that is shared by pages, on a real storage and under a real host: three pages of two blobs, listed once."""

from collections.abc import Iterator

import pytest

from ferry.cli.hosts import HostKind
from ferry.cli.stack import PROVIDER, LocalStack, StackOptions

from .pair import Pair

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

BLOBS = {f"data/{number}.bin": bytes([number]) * (1000 * number) for number in range(6)}


@pytest.fixture(scope="module")
def tiny_pages(host_kind: HostKind) -> Iterator[Pair]:
    """A pair whose provider takes two blobs at a time."""
    options = StackOptions(host=host_kind, environment={PROVIDER: {"FERRY_COPY_PAGE_BLOBS": "2"}})
    with LocalStack.start(options) as stack, Pair(stack) as made:
        yield made


def test_copy_of_three_pages_is_one_verified_delivery(tiny_pages: Pair) -> None:
    contract = tiny_pages.contract(BLOBS)
    view = tiny_pages.wait(tiny_pages.transfer(contract))

    assert (view.state, view.error) == ("COMPLETED", None)
    assert tiny_pages.wait_provider(view).state == "COMPLETED"
    (arrived,) = [
        blobs
        for container in tiny_pages.inbox.list_containers()
        if (blobs := tiny_pages.delivered(container.name)).get("data/1.bin")
    ]
    assert {name: content for name, content in arrived.items() if name != ".complete"} == BLOBS
    # The hashes of three lists stand in the marker.
    assert arrived[".complete"].count(b'","') >= 3 and b'"lists":[' in arrived[".complete"]
