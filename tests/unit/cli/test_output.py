"""What is written where: results, notes, failures; for people and for programs."""

import json
from pathlib import Path

import pytest
import typer

from ferry.cli.exits import ExitCode
from ferry.cli.failure import CommandFailed
from ferry.cli.output import Output, OutputFormat, printable
from ferry.cli.session import ended_well
from ferry.cli.signals import StopRequested

FAILURE = CommandFailed("It broke:", next_step="mend it", exit_code=ExitCode.REFUSED, faults=("one", "two\x1b[2J"))


def test_table_is_not_cut_where_nobody_looks_at_a_screen(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table(("name", "value"), [("n" * 300, "[red]v\n")])
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == ["name", "value"]
    assert row.split() == ["n" * 300, "[red]v\\n"]


def test_empty_table_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table(("name",), [], empty="nobody")
    assert capsys.readouterr().out == "nobody\n"


def test_json_is_one_line_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(OutputFormat.JSON)
    output.table(("name",), [("n",)])
    output.line("for people")
    output.result({"ü": 1})
    output.note("on the way")
    told = capsys.readouterr()
    assert told.out == '{"ü": 1}\n'
    assert told.err == "on the way\n"


def test_result_for_programs_is_not_shown_to_people(capsys: pytest.CaptureFixture[str]) -> None:
    Output().result({"a": 1})
    assert capsys.readouterr().out == ""


def test_failure_is_told_with_its_faults_and_ends_with_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as raised, ended_well(Output()):
        raise FAILURE
    assert raised.value.exit_code == ExitCode.REFUSED
    assert capsys.readouterr().err == "ferry: It broke:\n  one\n  two\\x1b[2J\nNext: mend it\n"


def test_failure_for_programs_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit), ended_well(Output(OutputFormat.JSON)):
        raise FAILURE
    told = json.loads(capsys.readouterr().err)
    assert told["error"]["faults"] == ["one", "two\x1b[2J"]
    assert told["error"]["exitCode"] == ExitCode.REFUSED


@pytest.mark.parametrize(("stopped_code", "code"), [(None, 130), (0, 0)])
def test_signal_ends_with_the_shells_code_or_the_commands_own(stopped_code: int | None, code: int) -> None:
    with pytest.raises(typer.Exit) as raised, ended_well(stopped_code=stopped_code):
        raise StopRequested(2)
    assert raised.value.exit_code == code


def test_failure_with_a_log_says_where_it_is() -> None:
    assert "Where to look: /a/log" in str(CommandFailed("x", next_step="y", log=Path("/a/log")))


def test_text_that_turns_the_line_around_is_made_visible() -> None:
    assert printable("a\u202eb\x9bc\td") == "a\\u202eb\\x9bc\\td"
