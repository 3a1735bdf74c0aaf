"""Progress with the result of an effect: only where it is wanted, and only its own members."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from ferry.adapters.clock import VirtualClock
from ferry.control_plane.progress import Progress, told_progress
from ferry.control_plane.progress_events import QUESTION
from ferry.domain.decision import FlowReport
from ferry.domain.process import Intent, IntentKind, JsonObject
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.effects.progress import ProgressReader, SilentPeers
from ferry.effects.progress_news import ProgressNews, news_of
from ferry.ports.peer import PeerAnswer
from tests.unit.control_plane.processes import consumer_in
from tests.unit.effects.test_progress import HALF
from tests.unit.effects.wire import Wire

CHECK = Intent("check", IntentKind.VERIFY_DELIVERY)


def answer(**more: Any) -> PeerAnswer:
    return PeerAnswer(200, {"@type": "TransferProgress", "state": "STARTED", **told_progress(HALF), **more})


def news(wire: Wire, *, wanted: bool = True) -> ProgressNews:
    def no_flow(process: TransferProcess) -> Progress | None:
        raise AssertionError(process.id)

    reader = ProgressReader(peer=wire.peer(), clock=VirtualClock(), flow_progress=no_flow, silent=SilentPeers())
    return ProgressNews(reader=reader, wants=lambda _: wanted)


def finding(outcome: str) -> Any:
    def found(process: TransferProcess, intent: Intent) -> JsonObject:
        return {"outcome": outcome}

    return found


def checked(wire: Wire, outcome: str, process: TransferProcess, *, wanted: bool = True) -> Mapping[str, Any]:
    return news(wire, wanted=wanted).with_check(finding(outcome))(process, CHECK)


def test_check_of_what_has_not_arrived_brings_what_the_provider_tells() -> None:
    wire = Wire([answer(sig="secret")])

    assert checked(wire, "absent", consumer_in(TransferState.STARTED)) == {
        "outcome": "absent",
        "progress": told_progress(HALF),
    }


@pytest.mark.parametrize(
    ("outcome", "state", "wanted"),
    [
        ("absent", TransferState.STARTED, False),
        ("verified", TransferState.STARTED, True),
        ("mismatch", TransferState.STARTED, True),
        ("absent", TransferState.COMPLETING, True),
        ("absent", TransferState.REQUESTED, True),
    ],
)
def test_nobody_is_asked_where_nobody_listens_or_it_is_over(outcome: str, state: TransferState, wanted: bool) -> None:
    wire = Wire([answer()])

    assert checked(wire, outcome, consumer_in(state), wanted=wanted) == {"outcome": outcome}
    assert wire.requests == []


def test_what_nobody_knows_is_not_told() -> None:
    assert checked(Wire([PeerAnswer(404)]), "absent", consumer_in(TransferState.STARTED)) == {"outcome": "absent"}
    assert "progress" not in checked(Wire([], is_cut=True), "absent", consumer_in(TransferState.STARTED))


def test_question_for_progress_is_another_one_than_how_the_peer_stands() -> None:
    ask = news(Wire([answer()])).with_question(finding("state"))
    process = consumer_in(TransferState.STARTED)

    assert ask(process, Intent("ask", IntentKind.ASK_PEER, QUESTION)) == {"progress": told_progress(HALF)}
    assert ask(process, Intent("ask", IntentKind.ASK_PEER)) == {"outcome": "state"}


def test_report_of_a_plane_brings_the_members_of_a_progress_and_nothing_else() -> None:
    report = FlowReport("STARTED", progress={**told_progress(HALF), "dataAddress": {"sas": "sig=secret"}})

    assert news_of(report) == {"progress": told_progress(HALF)}
    assert news_of(replace(report, progress={"blobsDone": "many"})) == {}
    assert news_of(replace(report, progress=None)) == {}
