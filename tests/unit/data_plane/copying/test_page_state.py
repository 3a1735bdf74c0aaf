"""A page's state as a checkpoint: it comes back as it was, and it is short."""

import json
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.data_plane.copying.bitmap import pack, unpack
from ferry.data_plane.copying.page import PageState, StagedBlob

_INDEXES = st.sets(st.integers(0, 5000), max_size=50)


@given(
    done=_INDEXES,
    staged=st.dictionaries(st.integers(0, 50), st.builds(StagedBlob, st.text(), st.integers(1, 2**40), _INDEXES)),
    changed=st.dictionaries(st.integers(0, 50), st.integers(0, 2**50)),
    counts=st.dictionaries(st.sampled_from(["stream", "tags", "tier"]), st.integers(1, 9)),
)
def test_a_state_comes_back_as_it_was(
    done: set[int], staged: dict[int, StagedBlob], changed: dict[int, int], counts: dict[str, int]
) -> None:
    state = PageState(done, 7, staged, changed, Counter(counts), Counter(counts))
    assert PageState.from_json(json.loads(json.dumps(state.to_json()))) == state


def test_5000_blobs_take_less_than_2_kib() -> None:
    done = {number for number in range(5000) if random.Random(number).random() < 0.5}
    state = PageState(done, 5 * 10**12, methods=Counter(put_from_url=4999, stream=1))
    assert len(json.dumps(state.to_json())) < 2048


def test_nothing_done_is_an_empty_checkpoint() -> None:
    assert PageState().to_json() == {}
    assert PageState.from_json(None) == PageState()


def test_a_copy_does_not_change_with_the_original() -> None:
    state = PageState({1}, staged={0: StagedBlob("e", 1, {1})})
    copy = state.copy()
    state.done.add(2)
    state.staged[0].blocks.add(2)
    assert copy == PageState({1}, staged={0: StagedBlob("e", 1, {1})})


@pytest.mark.parametrize("text", ["no base64!", "AAAA"])
def test_text_that_is_no_bitmap_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"bitmap|base64"):
        unpack(text)


@given(numbers=st.sets(st.integers(0, 10**5), max_size=30))
def test_numbers_are_unpacked_as_packed(numbers: set[int]) -> None:
    assert unpack(pack(numbers)) == numbers
