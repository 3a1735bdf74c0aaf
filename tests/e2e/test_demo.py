"""`ferry demo` as a user runs it: the whole story, in all its variants, and what is left afterwards."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ferry.cli.hosts import HostKind

from .commands import finished_json, left_behind, started

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CONSUMER_STEPS = {1, 2, 3, 4, 5, 7, 13, 16, 17, 18}
PROVIDER_STEPS = {5, 6, 7, 8, 9, 10, 11, 12}
CLIENT_STEPS = {14, 15}


@pytest.mark.parametrize(
    "variants", [([], ["--unmanaged"]), (["--keyless"], ["--remote-data-plane"])], ids=["keys", "keyless-and-remote"]
)
def test_two_demos_at_once_deliver_awkward_files_and_leave_nothing(
    variants: tuple[list[str], list[str]], source_folder: Path, tmp_path: Path, host_kind: HostKind
) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    arguments = ["demo", "--json", "--source", str(source_folder), "--host", host_kind]
    with (
        started(*arguments, *variants[0], run_folder=folders[0]) as first,
        started(*arguments, *variants[1], run_folder=folders[1]) as second,
    ):
        reports = [finished_json(first), finished_json(second)]
    for report, options in zip(reports, variants, strict=True):
        _assert_delivered(report, source_folder, unmanaged="--unmanaged" in options)
    assert [left_behind(folder) for folder in folders] == [[], []]


def test_pythons_library_arrives_whole_by_all_steps_in_order(run_folder: Path, host_kind: HostKind) -> None:
    with started("demo", "--json", "--host", host_kind, run_folder=run_folder) as process:
        report = finished_json(process)
    assert report["blobs"] == report["verified"] >= 500
    assert set(report["seconds"]) >= {"start", "upload", "negotiate", "transfer", "verify", "deprovision", "total"}
    steps = report["steps"]
    times = [line["at"] for line in steps]
    assert times == sorted(times)
    by_side = {side: {line["step"] for line in steps if line["side"] == side} for side in {it["side"] for it in steps}}
    assert by_side == {"consumer": CONSUMER_STEPS, "provider": PROVIDER_STEPS, "client": CLIENT_STEPS}
    assert set().union(*by_side.values()) == set(range(1, 19))


def test_blob_with_the_markers_name_fails_with_cause_and_log(
    tmp_path: Path, run_folder: Path, host_kind: HostKind
) -> None:
    folder = tmp_path / "marker"
    folder.mkdir()
    (folder / ".complete").write_text("mine")
    with started("demo", "--source", str(folder), "--host", host_kind, run_folder=run_folder) as process:
        output, errors = process.communicate(timeout=55)
    assert process.returncode == 1
    assert "\x1b" not in output
    assert "0 of 1 blobs verified" in output
    assert "is TERMINATED: MARKER_NAME_TAKEN at step 10" in errors
    assert f"Where to look: {run_folder}" in errors
    logs = sorted(path.name for path in run_folder.glob("ferry-run-*/*.log"))
    assert logs == ["consumer.log", "provider.log"]


def _assert_delivered(report: Mapping[str, Any], source_folder: Path, *, unmanaged: bool) -> None:
    sizes = [path.stat().st_size for path in source_folder.rglob("*") if path.is_file()]
    assert report["state"] == "DEPROVISIONED"
    assert report["states"][-3:] == ["COMPLETED", "DEPROVISIONING", "DEPROVISIONED"]
    assert report["blobs"] == report["verified"] == len(sizes)
    assert report["bytes"] == sum(sizes)
    assert report["deprovisioned"] is True
    assert report["leftovers"] == []
    assert report["error"] is None
    kept = ("container kept", "bystander kept", "delivered blobs kept")
    assert report["kept"] == (dict.fromkeys(kept, True) if unmanaged else {})
    assert report["ok"] is True
