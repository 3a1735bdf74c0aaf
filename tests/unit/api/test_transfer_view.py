"""A transfer as it is shown: what is tried again stands in it, with its cause and the time of the next try."""

from datetime import timedelta

from ferry.api.management.transfer_view import shown_transfer
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.process import Intent, IntentKind
from tests.contract.documents import NOW, a_transfer

AWAY = Fault(FaultCode.PEER_UNREACHABLE, "it cannot be reached", retryable=True, step=5)


def test_what_is_tried_again_is_shown_with_its_cause() -> None:
    later = NOW + timedelta(seconds=3)
    failed = Intent("i-1", IntentKind.SEND_MESSAGE, attempt=4, not_before=later, last_fault=AWAY)
    fresh = Intent("i-2", IntentKind.ASK_PEER)

    shown = shown_transfer(a_transfer(intents=(fresh, failed)), moved_history=())

    assert shown["waiting"] == [
        {
            "what": "SEND_MESSAGE",
            "attempts": 4,
            "nextAt": "2026-03-04T05:06:10.891011+00:00",
            "error": {
                "code": AWAY.code,
                "message": AWAY.message,
                "retryable": True,
                "step": 5,
                "help": "/api/docs/errors.html#PEER_UNREACHABLE",
            },
        }
    ]


def test_nothing_is_said_where_nothing_has_failed_and_in_lists() -> None:
    failed = Intent("i-1", IntentKind.SEND_MESSAGE, attempt=1, last_fault=AWAY)

    assert "waiting" not in shown_transfer(a_transfer(intents=(Intent("i-2", IntentKind.ASK_PEER),)), moved_history=())
    assert "waiting" not in shown_transfer(a_transfer(intents=(failed,)))
