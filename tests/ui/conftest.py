"""Two running participants and a browser. Without a browser, as in `./run test`, nothing is collected here."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from ferry.cli.stack import LocalStack, StackOptions
from tests.e2e.failure_stage import FailureStage
from tools.ui.browser import WIDE, Browser, Scheme, folder, launched

from .dashboard import Dashboard

collect_ignore_glob = [] if folder() else ["test_*.py"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with launched() as running:
        yield running


@pytest.fixture(scope="session")
def stack() -> Iterator[LocalStack]:
    """A consumer and a provider, with a relay before their storage that can hold a copy."""
    with LocalStack.start(StackOptions(relay=True)) as running:
        yield running


@pytest.fixture
def stage(stack: LocalStack) -> Iterator[FailureStage]:
    """Both participants, and what a test needs to start and hold transfers."""
    with FailureStage(stack) as made:
        yield made


@pytest.fixture
def open_dashboard(browser: Browser, stack: LocalStack) -> Iterator[Callable[..., Dashboard]]:
    """Opens dashboards. At the end none may have thrown, complained, or been stopped by its content policy."""
    with ExitStack() as opened:
        made: list[Dashboard] = []

        def open_one(
            participant: str = "consumer", *, scheme: Scheme = "light", size: tuple[int, int] = WIDE
        ) -> Dashboard:
            other = stack.participant("provider" if participant == "consumer" else "consumer")
            shown = stack.participant(participant)
            dashboard = Dashboard(browser, shown, other_key=other.api_key, scheme=scheme, size=size)
            opened.callback(dashboard.close)
            made.append(dashboard)
            return dashboard

        yield open_one
        for dashboard in made:
            assert dashboard.watched.errors == []
            assert dashboard.violations() == []


@pytest.fixture
def dashboard(open_dashboard: Callable[..., Dashboard]) -> Dashboard:
    """The consumer's, signed in."""
    made = open_dashboard()
    made.sign_in()
    return made
