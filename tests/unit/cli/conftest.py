"""A command line before two participants in memory."""

from pathlib import Path

import pytest

from tests.unit.cli.memory_participants import CommandLine, command_line

CONFIG = """
default = "consumer"

[profiles.consumer]
url = "http://consumer.localhost"
api_key_env = "TEST_KEY"

[profiles.provider]
url = "http://provider.localhost/"
api_key_env = "TEST_KEY"

[profiles.wrong-key]
url = "http://consumer.localhost"
api_key = "not the key"
"""


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """Commands of the consumer's operator; `--profile provider` asks the other side."""
    config = tmp_path / "config.toml"
    config.write_text(CONFIG)
    config.chmod(0o600)
    return command_line(monkeypatch, str(config))
