"""The queue's message: short, without the host's own keys, and refused where it is not one of ours."""

import json

import pytest

from ferry.adapters.look_messages import encode_look, parse_look
from ferry.domain.faults import InvalidInput
from ferry.ports.work import Lane, LookMessage

HOST_KEYS = {"id", "dequeuecount", "popreceipt", "insertiontime", "expirationtime", "nextvisibletime", "queuetrigger"}


@pytest.mark.parametrize(
    "message",
    [
        LookMessage(Lane.TRANSFER_CONSUMER, "p-1"),
        LookMessage(Lane.DATA_FLOW, "ä/#?%", 0, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ],
)
def test_message_survives_and_holds_no_key_of_the_host(message: LookMessage) -> None:
    text = encode_look(message)

    assert parse_look(text) == message
    assert parse_look(text.encode()) == message
    assert not HOST_KEYS & {name.lower() for name in json.loads(text)}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", r"\$"),
        ("{", r"\$"),
        ("[]", r"\$"),
        ('{"process": "p"}', r"\$\.lane"),
        ('{"lane": "nobody", "process": "p"}', r"\$\.lane"),
        ('{"lane": "data-flow"}', r"\$\.process"),
        ('{"lane": "data-flow", "process": ""}', r"\$\.process"),
        ('{"lane": "data-flow", "process": "p", "epoch": true}', r"\$\.epoch"),
        ('{"lane": "data-flow", "process": "p", "epoch": "1"}', r"\$\.epoch"),
        ('{"lane": "data-flow", "process": "p", "trace": 1}', r"\$\.trace"),
    ],
)
def test_text_that_is_no_look_message_is_refused(text: str, path: str) -> None:
    with pytest.raises(InvalidInput, match=path):
        parse_look(text)
