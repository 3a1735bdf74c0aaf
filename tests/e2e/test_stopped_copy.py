"""A copy of large blobs that is suspended or ended half-way: it stops at once, and no block is sent again.

Two blobs of 264 MiB are the least that goes in blocks (of 32 MiB, the last one of 8). Azurite tells which request came
when, and of which block it was.
"""

# The SDK leaves keyword arguments without types.
# pyright: reportUnknownMemberType=false

import time
import uuid
from collections import Counter
from collections.abc import Iterator
from urllib.parse import unquote

import httpx2
import pytest
from azure.storage.blob import BlobBlock

from ferry.cli.hosts import HostKind
from ferry.cli.management import CONTEXT, ManagementClient
from ferry.cli.stack import CONSUMER, LocalStack, StackOptions
from ferry.emulators.admin_client import AdminError
from ferry.emulators.request_log import StorageRequest

from .pair import Contract, Pair, until

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]

MIB = 1024 * 1024
PIECE_BYTES, PIECES = 8 * MIB, 33
BLOB_BYTES, BLOCK_BYTES = PIECES * PIECE_BYTES, 32 * MIB
NAMES = ("data/one.bin", "data/two.bin")
BLOCKS = len(NAMES) * 9
STOP_SECONDS = 2.0
# What one block may take in Azurite on a machine that is busy with other tests.
SLOW_SECONDS = 240.0


@pytest.fixture(scope="module")
def large(host_kind: HostKind) -> Iterator[tuple[Pair, Contract]]:
    """A pair of its own, for its storage will hold much, and an agreement over two large blobs."""
    with LocalStack.start(StackOptions(host=host_kind)) as stack, Pair(stack) as made:
        container = f"src-{uuid.uuid4().hex}"
        with made.outbox.create_container(container) as client:
            for name in NAMES:
                blob = client.get_blob_client(name)
                # Few bytes are sent for many: five pieces in turn, so no block of the copy is like the next one.
                for piece in range(5):
                    blob.stage_block(f"piece-{piece}", bytes([piece + 1]) * PIECE_BYTES)
                blob.commit_block_list([BlobBlock(f"piece-{number % 5}") for number in range(PIECES)])
        asset_id = made.offer(container)
        yield made, Contract(asset_id, made.agree(asset_id), container)


def blocks(pair: Pair, since: int) -> list[StorageRequest]:
    """The blocks that the consumer's account was asked to take and has answered."""
    account = pair.stack.resources(CONSUMER).data_storage.name
    wanted = (account, "Put Block From URL")
    return [it for it in answered(pair, since) if (it.account, it.operation) == wanted]


def answered(pair: Pair, since: int) -> list[StorageRequest]:
    """The requests to storage; asked for again where Azurite has hands so full of blocks that it does not say."""
    deadline = time.monotonic() + SLOW_SECONDS
    while True:
        try:
            return pair.stack.admin.requests(since)
        except (AdminError, httpx2.HTTPError):
            if time.monotonic() > deadline:
                raise


def half_way(pair: Pair, contract: Contract) -> tuple[str, str, int]:
    """A transfer some of whose blocks are there: its ids at the consumer and the provider, and where the log began."""
    since = pair.stack.admin.last_request_sequence()
    transfer_id = pair.transfer(contract)
    until(lambda: len(blocks(pair, since)), lambda count: count >= BLOCKS // 3, timeout_seconds=SLOW_SECONDS)
    provider_pid = pair.consumer.transfer(transfer_id).correlation_id
    assert provider_pid is not None
    return transfer_id, provider_pid, since


def order(client: ManagementClient, transfer_id: str, what: str) -> float:
    """Give an order; when it was answered (seconds since the epoch, as in Azurite's log)."""
    client.call("POST", f"/transferprocesses/{transfer_id}/{what}", {"@context": CONTEXT, "reason": "enough"})
    return time.time()


def assert_stops(pair: Pair, since: int, answered_at: float) -> list[StorageRequest]:
    """Nothing new is begun after two seconds, and before that at most as much as was under way; all that came."""
    # Long enough for Azurite to end what it has begun: its log shows a request when it is over.
    time.sleep(STOP_SECONDS)
    count = -1
    while count != (count := len(blocks(pair, since))):
        time.sleep(3.0)
    seen = blocks(pair, since)
    under_way = [it for it in seen if it.begun_at <= answered_at < it.answered_at]
    later = [it for it in seen if it.begun_at > answered_at]
    assert [it for it in later if it.begun_at > answered_at + STOP_SECONDS] == []
    assert len(later) <= max(len(under_way), 1)
    return seen


def test_suspended_copy_stops_and_goes_on_without_a_block_twice(large: tuple[Pair, Contract]) -> None:
    pair, contract = large
    transfer_id, provider_pid, since = half_way(pair, contract)

    answered_at = order(pair.provider, provider_pid, "suspend")
    seen = assert_stops(pair, since, answered_at)
    assert pair.consumer.transfer_state(transfer_id) == "SUSPENDED"
    # One answered while the copier still listened is in its checkpoint.
    staged = {it.block_id for it in seen if it.status == 201 and it.answered_at <= answered_at}
    assert 0 < len(staged) < BLOCKS

    order(pair.provider, provider_pid, "resume")
    view = pair.wait(transfer_id, seconds=SLOW_SECONDS)
    assert (view.state, view.error) == ("COMPLETED", None)
    sent = Counter(it.block_id for it in blocks(pair, since))
    assert len(sent) == BLOCKS
    assert {block: count for block, count in sent.items() if block in staged and count > 1} == {}
    assert_equal(pair, str(view.destination["container"]))


def test_terminated_copy_stops_and_leaves_no_marker(large: tuple[Pair, Contract]) -> None:
    pair, contract = large
    transfer_id, provider_pid, since = half_way(pair, contract)

    answered_at = order(pair.provider, provider_pid, "terminate")
    assert_stops(pair, since, answered_at)

    assert pair.consumer.transfer_state(transfer_id) == "TERMINATED"
    assert pair.wait_provider(pair.consumer.transfer(transfer_id)).state == "TERMINATED"
    account = pair.stack.resources(CONSUMER).data_storage.name
    written = [it for it in answered(pair, since) if it.account == account and it.status == 201]
    assert not [it for it in written if unquote(it.path).endswith(".complete")]


def assert_equal(pair: Pair, container: str) -> None:
    """Sizes, and the bytes to both sides of every piece's beginning, which is where blocks meet, too."""
    with pair.inbox.get_container_client(container) as client:
        sizes = {it.name: it.size for it in client.list_blobs() if it.name != ".complete"}
        assert sizes == dict.fromkeys(NAMES, BLOB_BYTES)
        for name in NAMES:
            for number in range(1, PIECES):
                around = client.download_blob(name, number * PIECE_BYTES - 1, 2).readall()
                assert around == bytes([(number - 1) % 5 + 1, number % 5 + 1]), (name, number)
