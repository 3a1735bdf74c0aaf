"""A fault travels in a termination message, and what others write becomes one."""

import pytest
from hypothesis import given

from ferry.domain.faults import Fault, FaultCode
from ferry.domain.process import Json
from ferry.protocol.faults import REASON_LIMIT, fault_parts, read_fault, reason_texts
from tests.unit.protocol.examples import faults


@given(faults)
def test_fault_survives_the_wire(fault: Fault) -> None:
    code, reasons = fault_parts(fault)

    assert read_fault({"code": code, "reason": reasons}) == fault


def test_reasons_are_a_sentence_the_step_and_the_retry() -> None:
    fault = Fault(FaultCode.SOURCE_BLOB_MISSING, "blob a.bin is gone", retryable=False, step=10)

    assert fault_parts(fault) == ("SOURCE_BLOB_MISSING", ["blob a.bin is gone", "step: 10", "retry: no"])


@pytest.mark.parametrize(
    ("code", "reason", "text"),
    [
        (None, ["GENERAL_ERROR: Error reading blob"], "GENERAL_ERROR: Error reading blob"),
        ("99", ["one", "two"], "one; two (code 99)"),
        (7, ["one"], "one (code 7)"),
        ("1", None, "the peer gave no reason (code 1)"),
        (None, None, "the peer gave no reason"),
        (None, [{"message": "no", "path": None}], '{"message": "no", "path": null}'),
        (None, "text", "text"),
        (None, {"a": 1}, '{"a": 1}'),
        (None, ["line\nbreak\x00"], "line break"),
    ],
)
def test_foreign_reasons_become_text(code: Json, reason: Json, text: str) -> None:
    assert read_fault({"code": code, "reason": reason}) == Fault(FaultCode.PEER_TERMINATED, text)


def test_signature_in_a_reason_is_not_kept() -> None:
    fault = read_fault({"reason": ["PUT https://a.blob.core.windows.net/c?sv=1&sig=abc%2Bdef= failed"]})

    assert fault.message == "PUT https://a.blob.core.windows.net/c?sv=1&sig=*** failed"


def test_reasons_are_cut_at_the_limit() -> None:
    texts = reason_texts(["x" * 1500] * 50)

    assert sum(map(len, texts)) == REASON_LIMIT


@pytest.mark.parametrize("step", ["step: 0", "step: 19", "step: 99", "step: x"])
def test_step_that_does_not_exist_is_ignored(step: str) -> None:
    assert read_fault({"code": "SAS_REFUSED", "reason": ["no", step]}).step is None
