"""Tags that the source does not let us read are lost, and said to be."""

from dataclasses import replace

from ferry.data_plane.copying.page import PageState
from ferry.ports.storage import SourceBlob
from tests.unit.data_plane.copying.stage import Stage


def copied(*, sas: str, hidden_tags: int) -> PageState:
    """The state after a copy of two blobs, one of which has so many tags that nobody may read."""
    stage = Stage(sas=sas)
    tagged, plain = stage.add_random("tagged", 10), stage.add_random("plain", 10)
    shown = SourceBlob(replace(tagged.item, hidden_tags=hidden_tags), tagged.target_name)
    state = stage.run(stage.order([shown, plain]))
    stage.close()
    assert state.done == {0, 1}
    return state


def test_tags_that_cannot_be_read_are_counted_as_not_kept() -> None:
    assert copied(sas="cwt", hidden_tags=2).not_kept == {"tags": 1}


def test_blobs_without_tags_have_none_to_lose() -> None:
    assert not copied(sas="cw", hidden_tags=0).not_kept
