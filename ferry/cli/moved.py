"""How much has been moved: one line of it, and whoever shows that line while it changes."""

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from ferry.cli.output import Output, console_for, printable
from ferry.cli.quantities import rate, size, time_left

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.progress import Progress, TaskID

PLAIN_LINE_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Blobs and bytes so far. Totals are None while nobody knows them; so are rate and time left."""

    blobs: int = 0
    size_bytes: int = 0
    blobs_total: int | None = None
    bytes_total: int | None = None
    bytes_per_second: float | None = None
    blobs_per_second: float | None = None
    eta_seconds: float | None = None

    @property
    def share(self) -> float | None:
        """From 0 to 1, by bytes, or by blobs where there are no bytes."""
        if self.bytes_total:
            return min(1.0, self.size_bytes / self.bytes_total)
        return min(1.0, self.blobs / self.blobs_total) if self.blobs_total else None

    def line(self) -> str:
        """`41.2 %, 5 of 12 blobs, 1.2 GB of 2.9 GB, 312.0 MB/s, 0:05 left`."""
        parts = [] if self.share is None else [f"{self.share:.1%}".replace("%", " %")]
        blobs = f"{self.blobs}" if self.blobs_total is None else f"{self.blobs} of {self.blobs_total}"
        parts.append(f"{blobs} blobs")
        parts.append(size(self.size_bytes) + (f" of {size(self.bytes_total)}" if self.bytes_total is not None else ""))
        if self.blobs_per_second is not None:
            parts.append(f"{self.blobs_per_second:,.0f} blobs/s")
        if self.bytes_per_second is not None:
            parts.append(rate(self.bytes_per_second))
        if self.eta_seconds is not None:
            parts.append(f"{time_left(self.eta_seconds)} left")
        return ", ".join(parts)


def read_progress(told: "Mapping[str, object]") -> Moved:
    """The API's answer about a transfer's progress; members that are missing or strange are not known."""

    def number(name: str) -> float | None:
        value = told.get(name)
        return value if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else None

    def whole(name: str) -> int | None:
        value = number(name)
        return None if value is None else int(value)

    is_known = told.get("isTotalKnown") is not False
    size_bytes = whole("bytesDone") or whole("bytes") or 0
    return Moved(
        blobs=whole("blobsDone") or whole("blobs") or 0,
        size_bytes=size_bytes,
        blobs_total=whole("blobsTotal") if is_known else None,
        bytes_total=whole("bytesTotal") if is_known else None,
        # Before anything has moved there is no rate, whatever is told.
        bytes_per_second=number("bytesPerSecond") if size_bytes else None,
        eta_seconds=number("etaSeconds"),
    )


class Shown(Protocol):
    """Shows how far it is."""

    def show(self, moved: Moved) -> None:
        """So far now; it never goes back."""
        ...

    def say(self, text: str) -> None:
        """A line that stays."""
        ...


class PlainLines:
    """One line now and then on standard error, for logs and pipes."""

    def __init__(self, *, every_seconds: float = PLAIN_LINE_SECONDS) -> None:
        self._every_seconds = every_seconds
        self._last: str = ""
        self._told_at = time.monotonic()

    def show(self, moved: Moved) -> None:
        """A line, if the last one is old enough and says something else."""
        line = moved.line()
        if time.monotonic() - self._told_at >= self._every_seconds and line != self._last:
            self._last, self._told_at = line, time.monotonic()
            self.say(line)

    def say(self, text: str) -> None:
        """A line that stays."""
        print(printable(text), file=sys.stderr, flush=True)


class Bar:
    """One line at the bottom of a terminal, drawn again as it changes."""

    def __init__(self, progress: "Progress", task: "TaskID") -> None:
        self._progress = progress
        self._task = task

    def show(self, moved: Moved) -> None:
        """Draw it."""
        share = moved.share
        self._progress.update(
            self._task, total=None if share is None else 1.0, completed=share or 0.0, text=moved.line()
        )

    def say(self, text: str) -> None:
        """A line above it."""
        self._progress.console.print(printable(text), markup=False, highlight=False, soft_wrap=True)


@contextmanager
def shown(output: Output) -> Generator[Shown]:
    """A bar where somebody watches, else plain lines; either on standard error, which leaves the result alone."""
    if not sys.stderr.isatty() or output.is_json:
        yield PlainLines()
        return
    from rich.progress import BarColumn, Progress, TextColumn
    from rich.table import Column

    columns = (BarColumn(bar_width=24), TextColumn("{task.fields[text]}", table_column=Column(no_wrap=True)))
    with Progress(*columns, console=console_for(sys.stderr), transient=True) as progress:
        yield Bar(progress, progress.add_task("", total=None, text=""))
