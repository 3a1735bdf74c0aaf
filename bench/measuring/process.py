"""Runs a program as a process of its own and measures it whole: wall time, CPU by wait4, peak memory."""

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

_LOOK_SECONDS = 0.02
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")
_TAIL_CHARACTERS = 1500


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A process that has ended. `peak_bytes` is its own peak, not that of processes that it started."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    exit_code: int
    output: str = field(repr=False, default="")


class Program:
    """A process under measurement. Its standard input is a pipe that stays open: AzCopy spins on one that has ended."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self._output: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed in `ended`
        self._peak_kib = 0
        self._begun = time.perf_counter()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=self._output,
            env={**os.environ, **environment},
            start_new_session=True,
        )
        self._has_ended = threading.Event()
        # Read while it lives: wait4's own figure begins with the memory of the process that started it.
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def kill(self) -> None:
        """SIGKILL to it and whatever it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def ended(self, timeout_seconds: float) -> Measured:
        """Wait for its end; it is killed when its time is over, which shows as exit code -9."""
        alarm = threading.Timer(timeout_seconds, self.kill)
        alarm.start()
        try:
            _, status, used = os.wait4(self._process.pid, 0)
        except BaseException:
            # A copier whose service has gone would spin for ever, and take the time of whatever is measured next.
            self.kill()
            raise
        finally:
            alarm.cancel()
        seconds = time.perf_counter() - self._begun
        self._has_ended.set()
        self._watch.join()
        self._process.returncode = code = os.waitstatus_to_exitcode(status)
        cast("IO[bytes]", self._process.stdin).close()
        self._output.seek(0)
        output = self._output.read().decode(errors="replace")[-_TAIL_CHARACTERS:]
        self._output.close()
        return Measured(
            seconds=seconds,
            cpu_seconds=used.ru_utime + used.ru_stime,
            peak_bytes=self._peak_kib * 1024,
            exit_code=code,
            output=output,
        )

    def _look(self) -> None:
        status = Path(f"/proc/{self._process.pid}/status")
        while not self._has_ended.wait(_LOOK_SECONDS):
            with contextlib.suppress(OSError):
                if found := _PEAK.search(status.read_text()):
                    self._peak_kib = max(self._peak_kib, int(found[1]))


def cpu_seconds_of(pid: int) -> float:
    """The CPU time that a running process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_bytes_of(pid: int) -> int:
    """The peak memory of a running process so far."""
    found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) * 1024 if found else 0
