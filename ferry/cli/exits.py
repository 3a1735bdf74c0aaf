"""The exit codes of every command, as data: what `ferry --help` and docs/cli.md show of them stands here."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command ends with. A signal ends it with 128 and its number, as shells have it."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NOT_REACHABLE = 3
    REFUSED = 4
    NOT_FOUND = 5
    ENDED_BADLY = 6
    TIMED_OUT = 7
    DIFFERS = 8


MEANINGS: dict[ExitCode, str] = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "failed; standard error says why",
    ExitCode.USAGE: "the command line, a profile or an address is not right; nothing was done",
    ExitCode.NOT_REACHABLE: "not reachable: no answer, or a service behind it does not answer now; try again",
    ExitCode.REFUSED: "refused: key, rights, content or state do not allow it; trying again does not help",
    ExitCode.NOT_FOUND: "not found",
    ExitCode.ENDED_BADLY: "a transfer or negotiation is TERMINATED",
    ExitCode.TIMED_OUT: "the time given was over; what was begun goes on",
    ExitCode.DIFFERS: "what is there is not what should be there (verify)",
}


def told_in_help() -> str:
    """All codes on a few lines, for the end of a help page."""
    lines = [f"{code.value} {meaning.partition(':')[0].partition(';')[0]}" for code, meaning in MEANINGS.items()]
    return f"Exit codes: {', '.join(lines)}; 128 + n stopped by signal n."
