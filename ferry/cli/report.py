"""What the demo found out, for people and as the one JSON object of `--json`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ferry.cli.failure import CommandFailed

COMPLETED, DEPROVISIONED = "COMPLETED", "DEPROVISIONED"


@dataclass(frozen=True, slots=True)
class StepLine:
    """One of the 18 steps, when it happened and on which side: consumer, provider or client."""

    step: int
    at: datetime
    side: str
    what: str

    def to_json(self) -> dict[str, object]:
        """For `--json`; the time is UTC."""
        return {"step": self.step, "at": iso(self.at), "side": self.side, "what": self.what}


@dataclass(slots=True, kw_only=True)
class DemoReport:
    """The story so far. `verified`: blobs whose SHA-256 is that of their file; `leftovers`: what should be gone."""

    managed: bool = True
    transfer_id: str | None = None
    state: str | None = None
    states: list[str] = field(default_factory=list[str])
    blobs: int = 0
    size_bytes: int = 0
    verified: int = 0
    deprovisioned: bool = False
    kept: dict[str, bool] = field(default_factory=dict[str, bool])
    leftovers: list[str] = field(default_factory=list[str])
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    steps: Sequence[StepLine] = ()
    error: CommandFailed | None = None
    folder: Path | None = None

    @property
    def is_good(self) -> bool:
        """Whether all is well."""
        return (
            self.error is None
            and self.state == DEPROVISIONED
            and COMPLETED in self.states
            and self.verified == self.blobs > 0
            and self.deprovisioned
            and all(self.kept.values())
            and not self.leftovers
        )

    def to_json(self) -> dict[str, object]:
        """The object that `--json` prints."""
        return {
            "ok": self.is_good,
            "state": self.state,
            "states": self.states,
            "transfer": self.transfer_id,
            "managed": self.managed,
            "blobs": self.blobs,
            "bytes": self.size_bytes,
            "verified": self.verified,
            "deprovisioned": self.deprovisioned,
            "kept": self.kept,
            "leftovers": self.leftovers,
            "seconds": {phase: round(seconds, 3) for phase, seconds in self.seconds.items()},
            "steps": [line.to_json() for line in self.steps],
            "error": self.error.to_json() if self.error else None,
            "folder": str(self.folder) if self.folder else None,
        }

    def show(self, console: Console) -> None:
        """The end of the story on a terminal."""
        if self.blobs == 0:
            return
        table = Table("phase", "seconds", box=None, pad_edge=False)
        for phase, seconds in self.seconds.items():
            table.add_row(phase, f"{seconds:8.2f}")
        console.print()
        console.print(table)
        taken = sorted({line.step for line in self.steps})
        verified = f"{self.verified} of {self.blobs} blobs verified, {self.size_bytes / 1e6:,.1f} MB"
        console.print(f"\n{verified}\nsteps seen: {', '.join(map(str, taken))}", highlight=False)
        for what, is_kept in self.kept.items():
            console.print(f"{what}: {'yes' if is_kept else 'NO'}")
        for leftover in self.leftovers:
            console.print(f"[red]left over:[/] {leftover}", highlight=False)
        if self.is_good:
            console.print(f"[bold green]{self.state}[/]: all is well")


def iso(at: datetime) -> str:
    """UTC, ISO 8601, microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
