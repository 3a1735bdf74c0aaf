"""Shows a story as it happens: phases, steps, and a bar where somebody watches; plain lines where nobody does."""

import time
from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from ferry.cli.report import StepLine

_PLAIN_LINE_SECONDS = 2.0


class Counter:
    """Counts blobs and bytes of one phase, safe for one thread."""

    def __init__(self, console: Console, title: str, *, blobs: int, size_bytes: int) -> None:
        self._console = console
        self._title = title
        self._total_blobs = blobs
        self._total_bytes = size_bytes
        self._blobs = 0
        self._bytes = 0
        self._told_at = time.monotonic()
        self._bar: Progress | None = None
        self._task = TaskID(0)
        if console.is_terminal and not console.quiet:
            columns = (TextColumn("  {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
            self._bar = Progress(*columns, console=console, transient=True)
            self._task = self._bar.add_task(self._description, total=size_bytes or None)
            self._bar.start()

    def add(self, size_bytes: int) -> None:
        """One more blob."""
        self.set(self._blobs + 1, self._bytes + size_bytes)

    def set(self, blobs: int, size_bytes: int) -> None:
        """So many blobs and bytes in all."""
        self._blobs, self._bytes = blobs, size_bytes
        if self._bar is not None:
            self._bar.update(self._task, completed=size_bytes, description=self._description)
        elif time.monotonic() - self._told_at >= _PLAIN_LINE_SECONDS:
            self._told_at = time.monotonic()
            megabytes = f"{self._bytes / 1e6:.1f} of {self._total_bytes / 1e6:.1f} MB"
            self._console.print(f"  {self._description}, {megabytes}", highlight=False)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()

    @property
    def _description(self) -> str:
        return f"{self._title} {self._blobs} of {self._total_blobs} blobs"


class Display:
    """Where a story is told; a quiet console tells nothing."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.seconds: dict[str, float] = {}
        self._begun_at = time.time()

    @contextmanager
    def phase(self, name: str, what: str) -> Generator[None]:
        """One phase of the story: its name is the key of its seconds."""
        self._console.print(f"[bold]{escape(what)}[/]", highlight=False)
        begun = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = time.monotonic() - begun

    @contextmanager
    def counting(self, title: str, *, blobs: int, size_bytes: int) -> Generator[Counter]:
        """A counter that is shown while it counts."""
        counter = Counter(self._console, title, blobs=blobs, size_bytes=size_bytes)
        try:
            yield counter
        finally:
            counter.close()

    def say(self, text: str) -> None:
        """A line of detail."""
        self._console.print(f"  {escape(text)}", highlight=False, soft_wrap=True)

    def step(self, line: StepLine) -> None:
        """One of the 18 steps, with the seconds since the story began."""
        seconds = line.at.timestamp() - self._begun_at
        side = f"[cyan]{line.side:<8}[/]"
        self._console.print(
            f"  {seconds:6.2f} s  {line.step:>2}  {side}  {escape(line.what)}", highlight=False, soft_wrap=True
        )
