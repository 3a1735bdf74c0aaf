"""The table of causes: every code is in it, and what it says of retrying is what the code does."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ferry.domain.cause import Again
from ferry.domain.causes import CAUSES, cause_of
from ferry.domain.faults import FaultCode

FERRY = Path(__file__).parents[3] / "ferry"


def raised() -> Iterator[tuple[str, bool | None]]:
    """Codes of faults that are made with the code in plain sight, and whether a retry helps (None: it depends)."""
    for path in FERRY.rglob("*.py"):
        for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
            name = ast.unparse(call.func)
            if name in ("Fault", "EffectFailed.because") and call.args:
                code = _code(call.args[0])
                if code:
                    yield code, _retryable(call)


def _code(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and node.value in FaultCode.__members__:
        return str(node.value)
    names = [it.attr for it in ast.walk(node) if isinstance(it, ast.Attribute) and it.attr in FaultCode.__members__]
    return names[0] if ast.unparse(node).startswith("FaultCode.") and names else ""


def _retryable(call: ast.Call) -> bool | None:
    given = next((it.value for it in call.keywords if it.arg == "retryable"), None)
    if given is None:
        return False
    return bool(given.value) if isinstance(given, ast.Constant) else None


def test_every_code_is_in_the_table_and_nothing_else() -> None:
    assert CAUSES.keys() == set(FaultCode)


@pytest.mark.parametrize("code", FaultCode)
def test_cause_is_told_in_fragments_and_sentences(code: FaultCode) -> None:
    cause = cause_of(code)

    for fragment in (cause.meaning, cause.remedy):
        assert fragment and not fragment.endswith(".") and fragment[0].islower()
    assert cause.next_step.endswith(".") and cause.next_step[0].isupper()
    assert cause.again is not Again.UNWANTED or not cause.anew


def test_what_is_said_of_a_retry_is_what_the_code_does() -> None:
    found = list(raised())
    assert len({code for code, _ in found}) > 25
    wrong = {
        (code, retryable)
        for code, retryable in found
        if (retryable is not False and CAUSES[code].again in (Again.AFTERWARDS, Again.UNWANTED))
        or (retryable is not True and CAUSES[code].again is Again.MAY_HELP)
    }

    assert wrong == set()


def test_code_of_another_connector_has_words_too() -> None:
    assert "other side" in cause_of("NOT_OURS").meaning
