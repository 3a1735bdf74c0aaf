"""What a command says when it cannot go on: what happened, where to look, what to do next (design: errors)."""

from collections.abc import Sequence
from pathlib import Path

from ferry.cli.exits import ExitCode

_TAIL_LINES = 25


class CommandFailed(Exception):
    """The command ends with `exit_code`; `log` is the file that says more, `faults` are the single faults, if any."""

    def __init__(
        self,
        what: str,
        *,
        next_step: str,
        log: Path | None = None,
        exit_code: ExitCode = ExitCode.FAILED,
        faults: Sequence[str] = (),
    ) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step
        self.log = log
        self.exit_code = exit_code
        self.faults = tuple(faults)

    def to_json(self) -> dict[str, str | None]:
        """For `--json`."""
        return {"what": self.what, "where": str(self.log) if self.log else None, "next": self.next_step}

    def __str__(self) -> str:
        listed = "".join(f"\n  {fault}" for fault in self.faults)
        where = f"\nWhere to look: {self.log}" if self.log else ""
        return f"{self.what}{listed}{where}\nNext: {self.next_step}"


def tail(log: Path, lines: int = _TAIL_LINES) -> str:
    """The last lines of a log; empty where there is none yet."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
