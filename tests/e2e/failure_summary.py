"""A table at the end of the test run: a line for each failure that was brought about, and how it ended."""

from dataclasses import dataclass, field

import pytest


@dataclass(slots=True)
class FailureSummary:
    """A pytest plugin; register it and add lines."""

    title: str
    lines: list[str] = field(default_factory=list[str])

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the table."""
        if self.lines:
            terminalreporter.write_sep("-", self.title)
            for line in self.lines:
                terminalreporter.write_line(line)
