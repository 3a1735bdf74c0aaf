"""The paths of the protocol: where each message goes, and who answers it."""

import pytest

from ferry.domain.message_kind import MessageKind, Role
from ferry.protocol.paths import CATALOG_REQUEST, DATASET, ENDPOINTS, endpoint_for, message_url, url

BASE = "https://peer.example/dsp/"


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (MessageKind.CONTRACT_REQUEST, "negotiations/pid-1/request"),
        (MessageKind.CONTRACT_OFFER, "negotiations/pid-1/offers"),
        (MessageKind.CONTRACT_ACCEPTED, "negotiations/pid-1/events"),
        (MessageKind.CONTRACT_AGREEMENT, "negotiations/pid-1/agreement"),
        (MessageKind.CONTRACT_VERIFICATION, "negotiations/pid-1/agreement/verification"),
        (MessageKind.CONTRACT_FINALIZED, "negotiations/pid-1/events"),
        (MessageKind.CONTRACT_TERMINATION, "negotiations/pid-1/termination"),
        (MessageKind.TRANSFER_START, "transfers/pid-1/start"),
        (MessageKind.TRANSFER_COMPLETION, "transfers/pid-1/completion"),
        (MessageKind.TRANSFER_SUSPENSION, "transfers/pid-1/suspension"),
        (MessageKind.TRANSFER_TERMINATION, "transfers/pid-1/termination"),
    ],
)
def test_message_about_a_process_goes_to_its_path(kind: MessageKind, path: str) -> None:
    assert message_url(BASE, kind, "pid-1") == f"https://peer.example/dsp/{path}"


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (MessageKind.CONTRACT_REQUEST, "negotiations/request"),
        (MessageKind.CONTRACT_OFFER, "negotiations/offers"),
        (MessageKind.TRANSFER_REQUEST, "transfers/request"),
    ],
)
def test_message_that_begins_a_process_needs_no_pid(kind: MessageKind, path: str) -> None:
    assert message_url(BASE, kind, None) == f"https://peer.example/dsp/{path}"


def test_other_messages_need_one() -> None:
    with pytest.raises(ValueError, match="needs the id"):
        message_url(BASE, MessageKind.TRANSFER_START, None)


def test_ids_cannot_leave_their_segment() -> None:
    assert url(BASE, DATASET, "urn:x/../y?z") == "https://peer.example/dsp/catalog/datasets/urn:x%2F..%2Fy%3Fz"


def test_every_message_has_an_endpoint_and_each_route_one_message_per_role() -> None:
    assert {kind for endpoint in ENDPOINTS for kind in endpoint.kinds} == set(MessageKind)
    for role in Role:
        served = [(it.method, it.path) for it in ENDPOINTS if role in it.served_by]
        assert len(served) == len(set(served))


def test_events_go_to_the_side_that_may_hear_them() -> None:
    assert endpoint_for(MessageKind.CONTRACT_FINALIZED).served_by == {Role.CONSUMER}
    assert endpoint_for(MessageKind.CONTRACT_ACCEPTED).served_by == {Role.PROVIDER}
    assert CATALOG_REQUEST.served_by == {Role.PROVIDER}
