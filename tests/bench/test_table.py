"""The table of a bench, and what operations cost."""

import pytest

from bench.goals.costs import counted, operations_usd
from bench.measuring.table import Row, markdown, ratio, spread


def test_rows_make_a_markdown_table() -> None:
    rows = [
        Row(goal="1", target="≤ 2", ours="1", others={"AzCopy": "3"}, ratio="3.0", is_met=True),
        Row(goal="2", target="≥ 2", ours="1", is_met=False),
        Row(goal="3", target="", ours="1"),
    ]
    assert markdown(rows, ["AzCopy", "rclone"]).splitlines() == [
        "| goal | target | Ferry | AzCopy | rclone | ratio | met |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        "| 1 | ≤ 2 | 1 | 3 |  | 3.0 | yes |",
        "| 2 | ≥ 2 | 1 |  |  |  | **no** |",
        "| 3 |  | 1 |  |  |  |  |",
    ]


def test_spread_is_the_median_with_its_bounds() -> None:
    assert spread([], " s") == ""
    assert spread([1234.4], " s") == "1,234 s"
    assert spread([3.0, 1.0, 9.5], " s", digits=1) == "3.0 s (1.0 to 9.5)"


def test_ratio_is_that_of_the_medians() -> None:
    assert ratio([10, 30, 20], [4, 2, 100]) == 5.0
    assert ratio([1], []) is None
    assert ratio([1], [0]) is None


def test_operations_are_counted_by_their_price() -> None:
    done = counted(
        {
            "destination Put Blob From URL": 1000,
            "destination Get Blob Properties": 10,
            "source List Blobs": 2,
            "source Get Blob": 5,
        }
    )
    # Each Put Blob From URL also reads at the source, which nobody but the service sees.
    assert done == {"writes": 1002, "reads": 1015}


def test_a_million_small_blobs_cost_a_write_and_a_read_each() -> None:
    assert operations_usd({"writes": 1_000_000, "reads": 1_000_000}) == pytest.approx(5.40)
