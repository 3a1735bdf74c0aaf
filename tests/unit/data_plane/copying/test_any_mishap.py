"""Whatever happens on the way: no torn blob, nobody else's overwritten, no staged block sent again, no more memory."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferry.adapters.memory_cloud import SERVER_SIDE
from ferry.domain.faults import FaultCode
from tests.unit.data_plane.copying.chaos import SIZES, Plan, play

_OFFERED = st.sampled_from(
    [None, frozenset(), SERVER_SIDE - {"Put Blob From URL"}, frozenset({"Put Block From URL"})],
)


@st.composite
def plans(draw: st.DrawFn, *, kinds: tuple[str, ...] = ("BlockBlob",)) -> Plan:
    """Any story."""
    return Plan(
        seed=draw(st.integers(0, 2**32)),
        sizes=tuple(draw(st.lists(st.sampled_from(SIZES), min_size=1, max_size=12))),
        kinds=kinds,
        mishap_share=draw(st.sampled_from([0.0, 0.05, 0.2])),
        change_share=draw(st.sampled_from([0.0, 0.0, 0.02])),
        stops=tuple(draw(st.lists(st.integers(1, 40), max_size=3))),
        offered=draw(_OFFERED) if kinds == ("BlockBlob",) else None,
        gives_urls=draw(st.booleans()) or kinds != ("BlockBlob",),
        may_list=draw(st.booleans()),
        takes_changes=draw(st.booleans()),
    )


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plan=plans())
def test_block_blobs_arrive_whole_or_not_at_all(plan: Plan) -> None:
    story = play(plan)
    story.check()
    if not plan.change_share:
        assert story.is_complete, story.faults


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plan=plans(kinds=("BlockBlob", "AppendBlob", "PageBlob")))
def test_append_and_page_blobs_are_done_only_when_whole(plan: Plan) -> None:
    story = play(plan)
    story.check()
    if not plan.change_share:
        assert story.is_complete, story.faults


@pytest.mark.parametrize("seed", range(12))
def test_a_source_that_changes_once_in_a_while_is_taken_whole(seed: int) -> None:
    story = play(Plan(seed, sizes=(200 * 1024,) * 3 + (100,) * 10, mishap_share=0.0, change_share=0.01))
    story.check()
    assert story.is_complete or set(story.faults) == {FaultCode.SOURCE_CHANGED}


@pytest.mark.parametrize("seed", range(6))
def test_a_blob_of_somebody_else_is_never_overwritten(seed: int) -> None:
    story = play(Plan(seed, sizes=(100,) * 9, mishap_share=0.0, foreign=True))
    story.check()
    assert story.faults == [FaultCode.DESTINATION_EXISTS]
