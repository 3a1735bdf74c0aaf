"""How a window opens without answers, how a fast growing rate is cut, and how many of a size are cut into blocks."""

from ferry.data_plane.copying.blocks import MIB, Sizes
from ferry.data_plane.copying.gate import Gate
from ferry.data_plane.copying.pace import Pace, Told
from tests.unit.data_plane.copying.simulation import TokenBucket, simulate
from tests.unit.data_plane.copying.stage import KIB, Stage

_GIB = 1024 * MIB


def test_requests_that_take_their_time_do_not_keep_the_window_small() -> None:
    pace = Pace()
    for _ in range(32):
        pace.sent(0.0)
    pace.look(0.05)
    assert pace.window == 32
    pace.look(0.11)
    assert pace.window == 64


def test_a_window_that_is_not_used_or_was_throttled_stays_as_it_is() -> None:
    unused, throttled = Pace(), Pace()
    unused.sent(0.0)
    for _ in range(32):
        throttled.sent(0.0)
    for _ in range(10):
        throttled.answered(Told.THROTTLED, sent_at=0.0, now=0.01)
    before = throttled.window
    unused.look(1.0)
    throttled.look(1.0)
    assert (unused.window, throttled.window) == (32, before)


def test_a_limit_is_found_within_seconds() -> None:
    outcome = simulate(TokenBucket(2000.0, 200.0), seconds=10.0, latency=0.01)
    assert outcome.done_per_second >= 0.95 * 2000
    assert outcome.refused_share <= 0.10


def test_orders_share_a_window_and_one_alone_has_all_of_it() -> None:
    gate = Gate(Pace())
    assert gate.share() == 32
    gate.orders = 2
    assert gate.share() == 16


def test_one_of_many_large_blobs_is_cut_into_half_as_many_blocks() -> None:
    assert Sizes().block_bytes(_GIB) == 64 * MIB
    assert Sizes().block_bytes(_GIB, is_one_of_many=True) == 128 * MIB


def test_many_large_blobs_take_fewer_requests_each() -> None:
    stage = Stage()
    blobs = [stage.add_random(f"b{number}", 300 * KIB) for number in range(9)]
    stage.run(stage.order(blobs))
    block = stage.engine.options.sizes.block_bytes(300 * KIB, is_one_of_many=True)
    assert stage.requests() == {"Put Block From URL": 9 * -(-300 * KIB // block), "Put Block List": 9}
    stage.close()
