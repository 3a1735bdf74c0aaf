"""The outcome of a copy is judged by what lies at both sides and by what was told; its page can be read again."""

from dataclasses import replace

import pytest

from bench.keeping.cases import Case
from bench.keeping.containers import Kept, Seed
from bench.keeping.copies import Outcome, judged
from bench.keeping.page import outcomes, page, table
from bench.measuring.process import Measured

_CASE = Case(name="Index tags", seed=Seed("a b", b"x"), aspects=("tags",), note="on Azure, too")
_THERE = Kept("1", {"tags": {"a": "1"}, "tier": None})
_GONE = _THERE._replace(aspects={"tags": {}, "tier": None})
_GOOD = Measured(seconds=1.0, cpu_seconds=1.0, peak_bytes=1, exit_code=0, output="{}")


def outcome(here: Kept | None, done: Measured = _GOOD, told: str = "") -> Outcome:
    """What is said of a copy that left this at the destination."""
    return judged(_CASE, "a b", (_THERE, here), done, told)


@pytest.mark.parametrize(
    ("here", "expected"),
    [
        (_THERE, Outcome.KEPT),
        (_GONE, Outcome.DROPPED),
        (_THERE._replace(aspects={"tags": {"a": "2"}}), Outcome.WRONG),
        (_THERE._replace(aspects={"tags": {"mtime": "now"}}), Outcome.DROPPED),
        (_THERE._replace(aspects={"tags": {"a": "1", "mtime": "now"}}), Outcome.MORE),
        (_THERE._replace(digest="2"), Outcome.WRONG),
        (None, Outcome.MISSING),
    ],
)
def test_a_copy_that_succeeded_is_judged_by_what_is_there(here: Kept | None, expected: Outcome) -> None:
    assert outcome(here) is expected


def test_what_the_summary_says_is_not_lost_unseen() -> None:
    done = replace(_GOOD, output='a note\n{"notKept": {"tags": 1}}\nanother')
    assert outcome(_GONE, done) is Outcome.TOLD


def test_what_the_summary_says_of_something_else_does_not_count() -> None:
    assert outcome(_GONE, replace(_GOOD, output='{"notKept": {"tier": 1}}')) is Outcome.DROPPED


@pytest.mark.parametrize(
    ("told", "expected"),
    [("blob 'a b' cannot", Outcome.NAMED), ("/c/a%20b?", Outcome.NAMED), ("403", Outcome.FAILED)],
)
def test_a_copy_that_failed_is_judged_by_whether_it_names_the_blob(told: str, expected: Outcome) -> None:
    assert outcome(None, replace(_GOOD, exit_code=1), told) is expected


def test_the_page_is_read_as_it_was_written() -> None:
    plain = replace(_CASE, name="Content type", note="")
    cells = {"Index tags": ["kept", "**dropped**", "dropped"], "Content type": ["kept", "kept", "dropped"]}
    shown = table([_CASE, plain], ["Ferry", "Ferry, streamed", "AzCopy"], cells)
    text = page(shown, versions="Ferry 1", command="./run bench fidelity")
    assert outcomes(text, ("Ferry", "Ferry, streamed")) == {
        "Index tags": ["kept", "**dropped**"],
        "Content type": ["kept", "kept"],
    }
    assert "1. on Azure, too." in text
