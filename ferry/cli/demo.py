"""`ferry demo`: the whole story of one transfer, from files on this disk to a clean end, on a stack of its own."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from ferry.cli.failure import CommandFailed
from ferry.cli.progress import Display
from ferry.cli.report import DemoReport
from ferry.cli.source_files import SourceFile, default_source, files_of
from ferry.cli.stack import LocalStack, StackOptions
from ferry.cli.story import Story


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What is asked for; `source` None: the modules of Python's standard library. `keep`: the logs stay."""

    source: Path | None = None
    unmanaged: bool = False
    keep: bool = False
    stack: StackOptions = field(default_factory=StackOptions)


def run_demo(options: DemoOptions, console: Console) -> DemoReport:
    """Start a stack, tell the story on it, stop it. What goes wrong is in the report."""
    display = Display(console)
    report = DemoReport(managed=not options.unmanaged)
    begun = time.monotonic()
    try:
        folder, files = default_source() if options.source is None else (options.source, files_of(options.source))
        report.blobs, report.size_bytes = len(files), sum(file.size_bytes for file in files)
        display.say(f"{report.blobs} files of {folder}, {report.size_bytes / 1e6:,.1f} MB")
        _on_a_stack(options, files, display=display, report=report)
    except CommandFailed as failure:
        report.error = failure
    report.seconds = {**display.seconds, "total": time.monotonic() - begun}
    return report


def _on_a_stack(options: DemoOptions, files: list[SourceFile], *, display: Display, report: DemoReport) -> None:
    with display.phase("start", "Starting the emulators, a consumer and a provider"):
        stack = LocalStack.start(options.stack)
    stack.keep_folder = options.keep
    try:
        Story(stack, display=display, report=report).tell(files, unmanaged=options.unmanaged)
    except Exception:
        # The logs are what is asked for next.
        stack.keep_folder = True
        raise
    finally:
        stack.keep_folder = stack.keep_folder or bool(report.leftovers)
        report.folder = stack.folder if stack.keep_folder else None
        with display.phase("stop", "Stopping everything"):
            stack.close()
