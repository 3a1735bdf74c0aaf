"""What a command says when it cannot go on: what happened, where to look, what to do next (design: errors)."""

from pathlib import Path

_TAIL_LINES = 25


class CommandFailed(Exception):
    """The command ends with exit code 1; `log` is the file that says more, where there is one."""

    def __init__(self, what: str, *, next_step: str, log: Path | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step
        self.log = log

    def to_json(self) -> dict[str, str | None]:
        """For `--json`."""
        return {"what": self.what, "where": str(self.log) if self.log else None, "next": self.next_step}

    def __str__(self) -> str:
        where = f"\nWhere to look: {self.log}" if self.log else ""
        return f"{self.what}{where}\nNext: {self.next_step}"


def tail(log: Path, lines: int = _TAIL_LINES) -> str:
    """The last lines of a log; empty where there is none yet."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join(text.splitlines()[-lines:])
