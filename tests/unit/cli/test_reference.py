"""docs/cli.md says what the commands are; `ferry --help` says the exit codes, and starts fast."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ferry.cli.exits import MEANINGS, ExitCode
from ferry.cli.main import app
from ferry.cli.reference import commands, written_into

ROOT = Path(__file__).parents[3]
DOCUMENT = ROOT / "docs" / "cli.md"
SAS = "sv=2026-10-06&sr=c&sp=rl&sig=c2ln"
# What a help page has no use for.
UNWANTED = (
    "azure",
    "httpx2",
    "uvloop",
    "rich.progress",
    "ferry.adapters",
    "ferry.services",
    "ferry.api",
    "ferry.emulators",
)


def test_document_says_what_the_commands_are() -> None:
    text = DOCUMENT.read_text()
    assert written_into(text) == text, "run `python -m ferry.cli.reference docs/cli.md`"


def test_every_command_has_output_but_the_host_and_every_option_its_words() -> None:
    found = dict(commands())
    assert len(found) >= 30
    for name, command in found.items():
        options = {it.name for it in command.params}
        assert "output" in options or name == "ferry host", name
        assert command.help, name
        assert all(it.help or it.param_type_name == "argument" for it in command.params), name


def test_commands_that_the_document_shows_as_examples_exist() -> None:
    text = DOCUMENT.read_text().partition("## Exit codes")[0]
    known = {tuple(name.split()[1:]) for name, _ in commands()}
    for line in re.findall(r"^(?:\w+=\$\()?ferry ([^\n]*)$", text, re.MULTILINE):
        words = line.split()
        assert words[0].startswith("--") or {tuple(words[:1]), tuple(words[:2])} & known, line


def test_documents_without_the_marks_are_refused() -> None:
    with pytest.raises(ValueError, match="has no"):
        written_into("# Nothing")


def test_every_exit_code_has_a_meaning_and_stands_in_the_help() -> None:
    assert MEANINGS.keys() == set(ExitCode)
    shown = " ".join(CliRunner().invoke(app, ["--help"]).stdout.split())
    assert all(f"{code.value} " in shown.partition("Exit codes: ")[2] for code in ExitCode)


def test_unknown_option_is_a_usage_error() -> None:
    assert CliRunner().invoke(app, ["transfer", "list", "--nothing"]).exit_code == ExitCode.USAGE


def test_help_loads_none_of_what_commands_need() -> None:
    assert loaded_by("import ferry.cli.main", UNWANTED) == []


def test_copy_without_a_terminal_loads_no_sdk_nor_what_draws_on_one() -> None:
    work = "\n".join(
        (
            "from ferry.cli.main import app",
            "try:",
            f"    app(['copy', 'https://127.0.0.1:1/c?{SAS}', 'https://127.0.0.1:1/d/e?{SAS}'])",
            "except SystemExit:",
            "    import sys",
            "    assert 'ferry.cli.blobs.copy' in sys.modules, 'the command was not reached'",
        )
    )
    assert loaded_by(work, ("azure", "httpx2", "pydantic", "rich.console", "ferry.services", "ferry.emulators")) == []


def loaded_by(work: str, unwanted: Sequence[str]) -> list[str]:
    """Which of these, or of what is in them, a process has loaded after some work."""
    probe = f"{work}\nimport sys, json; print(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return [name for name in json.loads(done.stdout) if any(f"{name}.".startswith(f"{it}.") for it in unwanted)]
