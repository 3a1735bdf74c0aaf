"""Copies each blob with each program in Azurite, and says what has become of what was to be kept."""

import json
import re
import tempfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from bench.copiers.copier import AZCOPY, FERRY, RCLONE, Copier, Start, Task
from bench.keeping.cases import Case
from bench.keeping.containers import Container, Kept, Refused
from bench.measuring.azurite_place import AzuritePlace, azurite_place, made, removed
from bench.measuring.process import Measured, Program

SOURCE, DESTINATION = "benchsource", "benchdestination"
_EVERYTHING = "racwdlt"
_TIMEOUT_SECONDS = 120.0
_SUMMARY = re.compile(r"^\{.*", re.MULTILINE | re.DOTALL)
# What the summary calls an aspect that it could not keep.
_TOLD_AS: Mapping[str, str] = {"content-md5": "content_md5"}


class Outcome(StrEnum):
    """What has become of a row."""

    KEPT = "kept"
    TOLD = "dropped, and said so"
    DROPPED = "**dropped**"
    WRONG = "**wrong**"
    MISSING = "**missing, exit code 0**"
    RENAMED = "**another name, exit code 0**"
    MORE = "kept, with others beside it"
    NAMED = "refused by name"
    FAILED = "**fails, names no blob**"
    LEFT = "not copied"
    OTHER_WAY = "**did not stream**"
    NOT_HERE = "not on Azurite"


_ALL_THERE = frozenset({Outcome.KEPT, Outcome.MORE})


@dataclass(frozen=True, slots=True)
class Column:
    """A program and how it is started. `options` may keep more than its defaults do."""

    title: str
    copier: Copier
    streams: bool = False
    options: tuple[str, ...] = ()


def columns(copiers: Mapping[str, Copier]) -> tuple[Column, ...]:
    """Who takes part; rclone can be told to stream, AzCopy cannot."""
    made = [Column("Ferry", copiers[FERRY]), Column("Ferry, streamed", copiers[FERRY], streams=True)]
    if AZCOPY in copiers:
        made.append(Column("AzCopy", copiers[AZCOPY], options=("--s2s-preserve-blob-tags=true",)))
    if RCLONE in copiers:
        made += [
            Column("rclone", copiers[RCLONE], options=("--metadata",)),
            Column("rclone, streamed", copiers[RCLONE], streams=True, options=("--metadata",)),
        ]
    return tuple(made)


class Trials:
    """Copies in one running Azurite, each between two containers of its own."""

    def __init__(self, place: AzuritePlace) -> None:
        self._source = place.azurite.account(SOURCE)
        self._destination = place.azurite.account(DESTINATION)
        self._numbers = count(1)

    def row(self, case: Case, columns: Sequence[Column]) -> list[str]:
        """The cells of a row."""
        return [self.cell(case, column) for column in columns]

    def cell(self, case: Case, column: Column) -> str:
        """What the table says: the defaults' outcome, and an option's where it is a better one."""
        outcome = self._outcome(case, column, ())
        lost = (Outcome.DROPPED, Outcome.WRONG)
        if column.options and outcome in lost and self._outcome(case, column, column.options) in _ALL_THERE:
            return f"{outcome}; kept with `{' '.join(column.options)}`"
        return str(outcome)

    def _outcome(self, case: Case, column: Column, options: tuple[str, ...]) -> Outcome:
        container = f"keeping-{next(self._numbers)}"
        seed = case.seeded(streams=column.streams)
        source = Container(made(self._source, container, _EVERYTHING))
        destination = Container(made(self._destination, container, _EVERYTHING))
        try:
            source.seed(seed)
            if case.has_snapshot:
                source.snapshot(seed.name)
            there = source.found(seed.name)
            if there is None:
                return Outcome.NOT_HERE
        except Refused:
            return Outcome.NOT_HERE
        else:
            task = Task(
                source_url=made(self._source, container, case.source_letters),
                destination_url=made(self._destination, container, case.destination_letters),
                streams=column.streams,
            )
            with tempfile.TemporaryDirectory(prefix="keeping-") as folder:
                start = _started(column, task, Path(folder))
                command = [*start.command, *options]
                done = Program(command, start.environment, Path(folder)).ended(_TIMEOUT_SECONDS)
                told = done.output + _logs(Path(folder))
            if column.copier.name == FERRY and column.streams and not done.exit_code and not _has_streamed(done):
                return Outcome.OTHER_WAY
            outcome = judged(case, seed.name, (there, destination.found(seed.name)), done, told)
            return Outcome.RENAMED if outcome is Outcome.MISSING and destination.names() else outcome
        finally:
            removed(self._source, container)
            removed(self._destination, container)


def judged(case: Case, name: str, kept: tuple[Kept, Kept | None], done: Measured, told: str) -> Outcome:
    """The outcome of one copy, from the blob at both sides, the exit code and what was told."""
    there, here = kept
    if done.exit_code:
        return Outcome.NAMED if any(it in told for it in _written(name)) else Outcome.FAILED
    if here is None:
        return Outcome.MISSING
    if here.digest != there.digest:
        return Outcome.WRONG
    lost = [it for it in case.aspects if here.aspects[it] != there.aspects[it]]
    if not lost:
        return Outcome.KEPT
    if lost == ["snapshots"]:
        return Outcome.LEFT
    if all(_is_part(there.aspects[it], here.aspects[it]) for it in lost):
        return Outcome.MORE
    not_kept = _summary(done.output).get("notKept", {})
    if all(_TOLD_AS.get(it, it) in not_kept for it in lost):
        return Outcome.TOLD
    is_gone = all(_is_gone(there.aspects[it], here.aspects[it]) for it in lost)
    return Outcome.DROPPED if is_gone else Outcome.WRONG


def _is_part(there: object, here: object) -> bool:
    """Whether all names and values are there, among others."""
    return isinstance(there, dict) and isinstance(here, dict) and there.items() <= here.items()


def _is_gone(there: object, here: object) -> bool:
    """Whether nothing is left of it. Of names and values one program writes some of its own in their place."""
    if isinstance(there, dict) and isinstance(here, dict):
        return _names(cast("dict[str, str]", there)).isdisjoint(_names(cast("dict[str, str]", here)))
    return not here


def _names(values: Mapping[str, str]) -> set[str]:
    return {name.lower() for name in values}


@contextmanager
def running_trials() -> Generator[Trials]:
    """An Azurite of its own for them."""
    with azurite_place() as place:
        yield Trials(place)


def _started(column: Column, task: Task, folder: Path) -> Start:
    """Ferry decides by itself: Azurite reads no source of another host name, and knows both of its own names as two."""
    if column.copier.name != FERRY:
        return column.copier.start(task, folder)
    source = task.source_url.replace("127.0.0.1", "localhost", 1) if task.streams else task.source_url
    start = column.copier.start(Task(source_url=source, destination_url=task.destination_url), folder)
    return Start([*start.command, "--json"], start.environment)


def _logs(folder: Path) -> str:
    """AzCopy names what failed in its log alone."""
    return "".join(it.read_text(errors="replace") for it in sorted(folder.glob("*.log")))


def _written(name: str) -> Iterator[str]:
    """The ways in which programs write a name."""
    writers: tuple[Callable[[str], str], ...] = (str, repr, json.dumps, quote, lambda it: quote(it, safe=""))
    for write in writers:
        yield write(name).strip("\"'")


def _has_streamed(done: Measured) -> bool:
    return set(_summary(done.output).get("methods", {})) == {"stream"}


def _summary(output: str) -> dict[str, Any]:
    """What `ferry copy --json` has printed; nothing where there is none."""
    found = _SUMMARY.search(output)
    try:
        return json.JSONDecoder().raw_decode(found[0])[0] if found else {}
    except ValueError:
        return {}
