"""The files that the demo puts into the provider's account, each under its path as the blob's name."""

import os
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ferry.cli.failure import CommandFailed
from ferry.domain.data_address import blob_name_fault

_SHOWN_FAULTS = 10
# Not part of what one would call the library, missing in some distributions, or written by whoever runs it.
_LIBRARY_OMITS = frozenset({"__pycache__", "site-packages", "dist-packages", "test", "tests", "idle_test"})


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file and the name of its blob."""

    path: Path
    name: str
    size_bytes: int


def default_source() -> tuple[Path, list[SourceFile]]:
    """The modules of Python's own standard library: some 600 real files of 12 MB that every machine has."""
    folder = Path(sysconfig.get_path("stdlib"))
    files = [
        file
        for file in files_of(folder)
        if file.path.suffix == ".py" and _LIBRARY_OMITS.isdisjoint(Path(file.name).parts)
    ]
    return folder, files


def files_of(folder: Path) -> list[SourceFile]:
    """All files below a folder, in order of their names; links to files are followed, links to folders are not.

    Raises CommandFailed where there is none, and where a name cannot be one of a blob.
    """
    if not folder.is_dir():
        raise CommandFailed(f"There is no folder {folder}", next_step="give an existing one with --source")
    files = sorted(_walk(folder), key=lambda file: os.fsencode(file.name))
    faults = [fault for file in files if (fault := name_fault(file.name)) is not None]
    if faults:
        raise CommandFailed(_told(faults), next_step="rename these files, or give another folder with --source")
    if not files:
        raise CommandFailed(f"There is no file in {folder}", next_step="give a folder with files with --source")
    return files


def name_fault(name: str) -> str | None:
    """Why a path cannot be the name of a blob; None where it can."""
    shown = name.encode("utf-8", "backslashreplace").decode()
    if shown != name:
        return f"{shown!r} is not Unicode text"
    if "\\" in name:
        return f"{name!r} holds a backslash, which the service takes for a slash"
    fault = blob_name_fault("name", name)
    return f"{name!r}: {fault.message}" if fault is not None else None


def _walk(folder: Path) -> Iterator[SourceFile]:
    for parent, folders, names in folder.walk():
        folders.sort()
        for name in names:
            path = parent / name
            if path.is_file():
                yield SourceFile(path, path.relative_to(folder).as_posix(), path.stat().st_size)


def _told(faults: Sequence[str]) -> str:
    more = f"\n  … and {len(faults) - _SHOWN_FAULTS} more" if len(faults) > _SHOWN_FAULTS else ""
    listed = "\n  ".join(faults[:_SHOWN_FAULTS])
    return f"{len(faults)} names cannot be names of blobs:\n  {listed}{more}"
