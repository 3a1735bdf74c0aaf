"""docs/telemetry.md names every metric as it is."""

from pathlib import Path

from ferry.telemetry.meters import INSTRUMENTS

PAGE = (Path(__file__).parents[3] / "docs" / "telemetry.md").read_text()


def test_every_metric_stands_in_the_documentation_as_it_is() -> None:
    rows = [
        f"| `{it.name}` | `{it.unit}` | {it.says} | {', '.join(it.told_apart_by)} |".replace("|  |", "| |")
        for it in INSTRUMENTS
    ]
    assert [row for row in rows if row not in PAGE] == []
    assert PAGE.count("| `ferry.") == len(INSTRUMENTS)
