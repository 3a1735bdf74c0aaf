"""Watches for the end of processes that are not children of the test."""

import time
from pathlib import Path


def wait_for_end(pid: int, timeout_seconds: float) -> bool:
    """Whether the process has ended, or is a zombie that nobody has collected, within the time."""
    deadline = time.monotonic() + timeout_seconds
    while time.monotonic() < deadline:
        if not _is_alive(pid):
            return True
        time.sleep(0.02)
    return False


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
