"""The command line before two containers in memory."""

from collections.abc import Callable

import pytest
from typer.testing import CliRunner, Result

from ferry.adapters.memory_sides import MemorySides
from ferry.cli.main import app
from tests.unit.cli.blobs.stage import BlobStage

type Run = Callable[..., Result]


@pytest.fixture
def stage() -> BlobStage:
    """Containers `from` and `to`."""
    return BlobStage()


@pytest.fixture
def run(stage: BlobStage, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command whose addresses are of the memory cloud; addresses go by variables, as they should."""

    def sides(*_: object) -> MemorySides:
        return stage.sides

    for module in ("copy", "verify"):
        monkeypatch.setattr(f"ferry.cli.blobs.{module}.command_sides", sides)

    def invoke(command: str, *arguments: str, **variables: str) -> Result:
        named = [f"env:{name}" for name in variables]
        return CliRunner().invoke(app, [command, *named, *arguments], env=variables, prog_name="ferry")

    return invoke
