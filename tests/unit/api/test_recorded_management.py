"""What clients said to EDC 0.15 and 0.18, said to Ferry: every call is answered with EDC's status and shape.

Where Ferry differs on purpose, docs/edc-differences.md says so: the one list of exceptions is checked against it.
"""

import re
from pathlib import Path
from typing import Any, cast

import pytest

from ferry.domain.secret import Secret
from ferry.ports.storage import Account
from ferry.services.memory import MemoryWorld
from tests.unit.api.client import body_of, client_of
from tests.unit.api.edc_differences import DIFFERENCES
from tests.unit.api.recorded_management import RECORDINGS, Exchange, differences, exchanges, names_in, renamed
from tests.world.participants import Pair, participant, settings_of

DOCUMENT = Path(__file__).parents[3] / "docs" / "edc-differences.md"
SOURCE = Account("providerdata", "https://providerdata.test", Secret("provider-key"))
BLOBS = ("a/one.bin", "one.bin", "many/1.bin", "many/2.bin")
# Before this transfer was ordered, the recorded one, somebody took the blobs away.
FAILING_DESTINATION = "dest4"

EXPLAINED = {sign: name for name, signs in DIFFERENCES.items() for sign in signs}


def pair_with_blobs() -> Pair:
    """Two participants who have not yet spoken, and the recorded blobs."""
    world = MemoryWorld()
    pair = Pair(world, participant(world, settings_of("consumer")), participant(world, settings_of("provider")))
    for name, side in zip(("consumer", "provider"), pair.both, strict=True):
        key = Secret(f"{name}-key")
        world.cloud.add_account(f"{name}data", endpoint=f"https://{name}data.test", key=key)
        side.core.outside.vault.store(f"{name}data", key)
    world.cloud.add_container(SOURCE, "src")
    for name in BLOBS:
        world.cloud.add_blob(SOURCE, "src", name, name.encode())
    return pair


class Player:
    """Plays one recording; knows what we call the things that the recording names."""

    def __init__(self) -> None:
        self.pair = pair_with_blobs()
        self.names: dict[str, str] = {}
        self.clients = {
            "consumer": client_of(self.pair.consumer),
            "provider": client_of(self.pair.provider),
        }

    def play(self, exchange: Exchange) -> set[str]:
        """How the answer differs; afterwards everything that it has set off is over."""
        if FAILING_DESTINATION in str(exchange.request):
            self.pair.world.cloud.containers()["providerdata", "src"].blobs.clear()
        path = "/".join(self.names.get(part, part) for part in exchange.path.strip("/").split("/"))
        headers = {"x-api-key": "wrong"} if exchange.status == 401 else {}
        body = renamed(exchange.request, self.names)
        answer = self.clients[exchange.side].call(exchange.method, f"management/{path}", body, headers)
        self.pair.run()
        if answer.status != exchange.status:
            return {f"{answer.status} for {exchange.status}: {exchange}"}
        shown = None if answer.body is None else body_of(answer, answer.status)
        self.names.update(names_in(exchange.response, shown))
        is_poll = exchange.path.endswith("/state")
        other_end = (
            {f"state of {exchange}"} if _state(exchange.response) != _state(shown) and not is_poll else set[str]()
        )
        return {*differences(exchange.response, shown), *other_end}


def _state(answer: Any) -> object:
    return cast("dict[str, object]", answer).get("state") if isinstance(answer, dict) else None


@pytest.mark.parametrize("recording", RECORDINGS)
def test_every_recorded_call_is_answered_with_the_status_and_shape_of_edc(recording: str) -> None:
    player = Player()
    found = {str(exchange): player.play(exchange) for exchange in exchanges(recording)}
    unexplained = {call: sorted(it for it in signs if it not in EXPLAINED) for call, signs in found.items()}
    assert {call: signs for call, signs in unexplained.items() if signs} == {}


def test_every_difference_that_is_told_is_one() -> None:
    signs: set[str] = set()
    for recording in RECORDINGS:
        player = Player()
        for exchange in exchanges(recording):
            signs |= player.play(exchange)
    assert {name for name, its in DIFFERENCES.items() if not signs.issuperset(its)} == set()


def test_document_tells_the_differences_that_the_tests_allow() -> None:
    told = re.findall(r"^\| `([a-z0-9-]+)` \|", DOCUMENT.read_text(), re.MULTILINE)
    assert len(set(told)) == len(told)
    assert set(DIFFERENCES) <= set(told)
