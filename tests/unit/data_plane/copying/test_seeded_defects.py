"""Defects that are put into the engine on purpose: the checks of the stories find every one of them."""

from dataclasses import replace

import pytest

from ferry.data_plane.copying.budget import ByteBudget
from ferry.data_plane.copying.large import LargeCopy
from tests.unit.data_plane.copying.chaos import Plan, play

_LARGE = (200 * 1024,) * 4


def fails(plan: Plan, seeds: range = range(8)) -> bool:
    """Whether some of the stories comes out wrong."""
    for seed in seeds:
        try:
            play(replace(plan, seed=seed)).check()
        except AssertionError:
            return True
    return False


def _nothing(*_: object) -> None:
    """Do not do it."""


def _yes(*_: object) -> bool:
    """Whatever is asked."""
    return True


_CHANGES = Plan(0, sizes=_LARGE, mishap_share=0.0, change_share=0.05)
_FOREIGN = Plan(0, sizes=(100,) * 9, mishap_share=0.0, foreign=True)
_STOPS = Plan(0, sizes=_LARGE, mishap_share=0.0, stops=(8, 8), gives_urls=False)
_STREAMS = Plan(0, sizes=_LARGE, mishap_share=0.0, gives_urls=False)


@pytest.mark.parametrize("plan", [_CHANGES, _FOREIGN, _STOPS, _STREAMS], ids=["changes", "foreign", "stops", "streams"])
def test_without_a_defect_every_story_is_right(plan: Plan) -> None:
    assert not fails(plan)


def test_a_source_that_is_not_pinned_is_found_torn() -> None:
    assert fails(replace(_CHANGES, is_unpinned=True))


def test_a_blob_that_is_overwritten_unasked_is_found() -> None:
    assert fails(replace(_FOREIGN, overwrites=True))


def test_staged_blocks_that_are_forgotten_on_resuming_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    original = LargeCopy.open

    async def forgetful(self: LargeCopy, slot: object) -> None:
        self._job.state.staged.pop(self._index, None)  # pyright: ignore[reportPrivateUsage]
        await original(self, slot)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(LargeCopy, "open", forgetful)
    assert fails(_STOPS)


def test_staged_blocks_that_are_not_recorded_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LargeCopy, "_note", _nothing)
    story = play(_STOPS)
    assert max(story.destination.sent.values()) > 1


def test_a_budget_that_nobody_keeps_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ByteBudget, "_has", _yes)
    assert fails(_STREAMS)
