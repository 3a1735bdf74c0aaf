"""Limits and faults of the stand-in: so many a second and no more, the same faults for the same seed."""

from bench.standin.behaviour import Behaviour
from bench.standin.limits import Allowance, Mishaps


def admitted(rate: float, *, asked_rate: float, seconds: float) -> int:
    """How many of evenly spaced requests get through."""
    allowance = Allowance(rate)
    return sum(allowance.admits(number / asked_rate) for number in range(round(asked_rate * seconds)))


def test_rate_below_the_limit_is_never_refused() -> None:
    assert admitted(500, asked_rate=499, seconds=10) == 4990


def test_rate_above_the_limit_gets_the_limit() -> None:
    # The burst that is left over at the start comes on top.
    assert 5000 <= admitted(500, asked_rate=5000, seconds=10) <= 5055


def test_pause_saves_up_no_more_than_a_tenth_of_a_second() -> None:
    allowance = Allowance(100)
    assert sum(allowance.admits(0.0) for _ in range(50)) == 10
    assert sum(allowance.admits(60.0) for _ in range(50)) == 10


def test_faults_of_a_seed_are_the_same_again() -> None:
    behaviour = Behaviour(fault_share=0.05, fault_seed=3)
    drawn = [Mishaps(behaviour).draw() for _ in range(1)]
    one, other = Mishaps(behaviour), Mishaps(behaviour)
    drawn = [one.draw() for _ in range(10_000)]
    assert drawn == [other.draw() for _ in range(10_000)]
    assert 400 < sum(it is not None for it in drawn) < 600
    assert set(drawn) - {None} == set(behaviour.faults)


def test_no_share_means_no_fault() -> None:
    mishaps = Mishaps(Behaviour())
    assert not any(mishaps.draw() for _ in range(1000))
