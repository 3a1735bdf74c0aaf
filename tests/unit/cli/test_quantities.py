"""Bytes, rates and times left as they are shown."""

import pytest

from ferry.cli.quantities import rate, size, time_left


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_234_567, "1.2 MB"),
        (5e9, "5.0 GB"),
        (1.5e16, "15.0 PB"),
        (2e18, "2000.0 PB"),
    ],
)
def test_size_is_shown_in_the_unit_that_fits(size_bytes: float, shown: str) -> None:
    assert size(size_bytes) == shown
    assert rate(size_bytes) == f"{shown}/s"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-1, "0:00"), (0.4, "0:00"), (7, "0:07"), (725, "12:05"), (10_931, "3:02:11"), (187_200, "2 d 4 h")],
)
def test_time_left_is_shown_as_a_clock_would(seconds: float, shown: str) -> None:
    assert time_left(seconds) == shown
