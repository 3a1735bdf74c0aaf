"""One transfer between two processes is one trace: a root, no orphans, both participants in it."""

from pathlib import Path

import pytest

from tools.trace.picture import draw
from tools.trace.recording import faults_of, record_transfer

pytestmark = pytest.mark.e2e


def test_transfer_is_one_trace_across_both_participants(tmp_path: Path) -> None:
    found = record_transfer(tmp_path)

    assert faults_of(found) == []
    names = {(span.participant, span.name) for span in found}
    assert {("provider", "COPY"), ("consumer", "VERIFY_DELIVERY"), ("consumer", "REMOVE_DESTINATION")} <= names
    sent = {span.attributes.get("ferry.message") for span in found if span.name == "SEND_MESSAGE"}
    assert {"TransferRequestMessage", "TransferStartMessage", "TransferCompletionMessage"} <= sent
    assert draw(found).count("<rect") >= len(found)
