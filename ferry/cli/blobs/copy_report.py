"""What a copy tells at its end: how much, how fast, which way, what was not kept, and how to go on if it stopped."""

import time
from typing import Any

from ferry.cli.blobs.copy_ledger import Totals
from ferry.cli.blobs.copy_plan import CopyPlan
from ferry.cli.exits import ExitCode
from ferry.cli.failure import CommandFailed
from ferry.cli.output import Output
from ferry.cli.quantities import rate, size


class CopyReport:
    """Tells about one copy; its time begins now. `is_kept`: there is a state file."""

    def __init__(self, plan: CopyPlan, output: Output, *, is_kept: bool) -> None:
        self._plan = plan
        self._output = output
        self._is_kept = is_kept
        self._begun = time.monotonic()

    def tell(self, totals: Totals) -> None:
        """All is copied. Raises CommandFailed where there was nothing."""
        if not totals.blobs and not totals.there_already:
            raise CommandFailed(
                f"There is nothing at {self._plan.source.shown}",
                next_step="look at its name; a folder ends with a slash",
                exit_code=ExitCode.NOT_FOUND,
            )
        seconds = self._seconds
        self._output.result(self._document(totals, is_complete=True))
        speed = f"{totals.blobs / seconds:,.0f} blobs/s, {rate(totals.size_bytes / seconds)}"
        copied = f"{totals.blobs:,} blobs, {size(totals.size_bytes)} copied in {seconds:,.1f} s ({speed})"
        self._output.line(copied, style="bold")
        for line in _details(totals):
            self._output.line(f"  {line}")

    def tell_unfinished(self, totals: Totals) -> None:
        """It failed or was stopped."""
        self._output.result(self._document(totals, is_complete=False))
        done = f"{totals.blobs:,} blobs, {size(totals.size_bytes)} are copied"
        self._output.note(f"{done}; {self._how_to_go_on()}")

    @property
    def _seconds(self) -> float:
        return max(0.001, time.monotonic() - self._begun)

    def _how_to_go_on(self) -> str:
        if self._is_kept or (self._plan.may_list_destination and not self._plan.overwrite):
            return "the same command goes on from there"
        return "to go on from there next time, use --state FILE, or a destination SAS with r and l"

    def _document(self, totals: Totals, *, is_complete: bool) -> dict[str, Any]:
        seconds = self._seconds
        return {
            "complete": is_complete,
            "source": self._plan.source.shown,
            "destination": self._plan.destination.shown,
            **totals.to_json(),
            "seconds": round(seconds, 3),
            "bytesPerSecond": round(totals.size_bytes / seconds),
            "blobsPerSecond": round(totals.blobs / seconds, 1),
        }


def _details(totals: Totals) -> list[str]:
    found: list[str] = []
    if totals.there_already:
        alone = f", {totals.by_size_alone:,} of them known by their size alone" if totals.by_size_alone else ""
        found.append(f"{totals.there_already:,} were there already{alone}")
    if totals.changed:
        found.append(f"{totals.changed:,} had changed since they were listed and were copied in their new version")
    if totals.methods:
        found.append(
            "how: " + ", ".join(f"{count:,} {_words(method)}" for method, count in totals.methods.most_common())
        )
    found.extend(f"not kept: {what} of {count:,} blobs" for what, count in totals.not_kept.most_common())
    return found


def _words(method: str) -> str:
    return "through this machine" if method == "stream" else f"by the service ({method.replace('_', ' ')})"
