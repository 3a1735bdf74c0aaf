"""Fifty transfers at once survive that the processes of both sides are killed again and again."""

from typing import cast

import pytest

from ferry.cli.hosts import HostKind
from tests.kill.report import LATEST_SECONDS, KillOptions
from tests.kill.run import run_kills

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]


def test_processes_killed_at_random_lose_and_double_nothing(request: pytest.FixtureRequest) -> None:
    config = request.config
    host = HostKind(config.getoption("--host"))
    options = KillOptions(kill_seconds=cast("float", config.getoption("--kill-seconds")), host=host)
    report = run_kills(options, said=print)
    for line in report.lines():
        print(line)
    assert report.faults == []
    assert report.last_completed_seconds <= LATEST_SECONDS
