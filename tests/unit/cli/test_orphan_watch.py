"""What outlives a killed command cleans up after it, and leaves alone what has ended or was ended well."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ferry.cli.orphan_watch import watch
from ferry.cli.watchdog import Watchdog


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own."""
    with subprocess.Popen(
        [sys.executable, "-S", "-c", "import time; time.sleep(60)"], start_new_session=True
    ) as process:
        yield process
        process.kill()


def test_end_of_input_kills_what_lives_and_removes_the_folder(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    watch([f"+{sleeper.pid}\n"], str(tmp_path / "run"))
    assert sleeper.wait(5) == -signal.SIGKILL
    assert not (tmp_path / "run").exists()


def test_clean_end_touches_nothing(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    watch([f"+{sleeper.pid}\n", "done\n"], str(tmp_path))
    assert sleeper.poll() is None
    assert tmp_path.exists()


def test_process_that_has_ended_is_forgotten(sleeper: subprocess.Popen[bytes]) -> None:
    watch([f"+{sleeper.pid}\n", f"-{sleeper.pid}\n"], None)
    assert sleeper.poll() is None


def test_watchdog_that_is_closed_ends_and_kills_nobody(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    watchdog = Watchdog(tmp_path)
    watchdog.add(sleeper.pid)
    watchdog.remove(sleeper.pid)
    watchdog.close()
    assert sleeper.poll() is None
    assert tmp_path.exists()
