"""Two running participants for the end-to-end tests, one stack per test process, under the host that `--host` names."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ferry.cli.failure import CommandFailed
from ferry.cli.hosts import HostKind, require_host
from ferry.cli.stack import LocalStack, StackOptions

from .pair import Pair


@pytest.fixture(scope="session")
def host_kind(request: pytest.FixtureRequest) -> HostKind:
    """The host that the participants run under."""
    kind = HostKind(request.config.getoption("--host"))
    try:
        require_host(kind)
    except CommandFailed as failure:
        pytest.exit(str(failure), returncode=pytest.ExitCode.USAGE_ERROR)
    return kind


@pytest.fixture(scope="session")
def stack(host_kind: HostKind) -> Iterator[LocalStack]:
    """A consumer and a provider with account keys in their vaults; shared, so leave both running as they were."""
    with LocalStack.start(StackOptions(host=host_kind)) as running:
        yield running


@pytest.fixture
def pair(stack: LocalStack) -> Iterator[Pair]:
    """Both participants' management APIs and accounts, and the ways of a transfer between them."""
    with Pair(stack) as made:
        yield made


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """The folder for temporary files of the processes that a test starts: empty again when they have cleaned up."""
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


@pytest.fixture
def source_folder(tmp_path: Path) -> Path:
    """A small folder with what is awkward: nested folders, names beyond ASCII, reserved characters, nothing in it."""
    folder = tmp_path / "source"
    contents = {
        "empty.bin": b"",
        "plain.txt": b"plain\n",
        "nested/deeper/データ ✓.txt": "ünïcode\n".encode(),
        "nested/per%cent+plus & space#hash?query.txt": b"reserved\n",
        "nested/.complete": b"not the marker\n",
        "large.bin": bytes(range(256)) * 4096 * 5,
    }
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder
