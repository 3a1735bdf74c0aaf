"""Which files the demo takes, and which names it refuses before anything is started."""

import os
from pathlib import Path

import pytest

from ferry.cli.failure import CommandFailed
from ferry.cli.source_files import default_source, files_of, name_fault


def test_nested_files_are_named_by_their_path(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "ünï ✓.txt").write_bytes(b"12")
    (tmp_path / "zero").touch()
    assert [(file.name, file.size_bytes) for file in files_of(tmp_path)] == [("a/b/ünï ✓.txt", 2), ("zero", 0)]


def test_links_to_files_are_followed_and_links_to_folders_are_not(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"1")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert [file.name for file in files_of(tmp_path)] == ["link", "real"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a\x01b", "control characters"),
        ("back\\slash", "backslash"),
        (os.fsdecode(b"\xff"), "not Unicode"),
        ("n" * 1025, "1024 characters"),
    ],
)
def test_name_that_no_blob_can_have_is_explained(name: str, said: str) -> None:
    assert said in (name_fault(name) or "")


@pytest.mark.parametrize("name", ["a b", "per%cent?#", "データ", "trailing.", ".hidden/x"])
def test_unusual_name_is_fine(name: str) -> None:
    assert name_fault(name) is None


def test_all_faulty_names_are_told_at_once(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / f"{number}\\").touch()
    with pytest.raises(CommandFailed, match=r"12 names cannot be names of blobs.*\n(.*\n)*  … and 2 more"):
        files_of(tmp_path)


@pytest.mark.parametrize("name", ["", "missing"])
def test_folder_without_files_fails(name: str, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed):
        files_of(tmp_path / name)


def test_default_source_has_hundreds_of_modules_and_nobodys_packages() -> None:
    folder, files = default_source()
    assert len(files) >= 500
    assert {"os.py", "json/__init__.py"} <= {file.name for file in files}
    assert all(file.path == folder / file.name for file in files)
    assert not any("site-packages" in file.name or "__pycache__" in file.name for file in files)
