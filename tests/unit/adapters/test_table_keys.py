"""Keys of Table Storage: any text, reversible, in order, nothing in them that the service refuses."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.adapters.table_keys import KEY_LIMIT, decode_key, encode_key

ACCEPTED = re.compile(r"[-:0-9A-Za-z!.;_~]+")
_short = st.text(st.characters(codec=None, exclude_categories=()), max_size=35)


@given(_short)
def test_any_short_text_survives(text: str) -> None:
    key = encode_key(text)

    assert decode_key(key) == text
    assert ACCEPTED.fullmatch(key)


@given(st.text(max_size=35), st.text(max_size=35))
def test_keys_are_ordered_as_the_texts(first: str, second: str) -> None:
    assert (encode_key(first) < encode_key(second)) is (first < second)


@given(st.text(min_size=0, max_size=2000))
def test_no_key_is_longer_than_the_limit(text: str) -> None:
    assert 1 <= len(encode_key(text)) <= KEY_LIMIT


@pytest.mark.parametrize("text", ["a/b", "a#b", "a?b", "a\\b", "a%2Fb", "a\x00b", "a\x85b", "a|b", "a'b", "ä/日本", ""])
def test_text_that_tables_refuse_becomes_an_accepted_key(text: str) -> None:
    assert ACCEPTED.fullmatch(encode_key(text))
    assert decode_key(encode_key(text)) == text


def test_uuid_stays_readable() -> None:
    assert encode_key("8d2c1c1e-6f0e-4f0e-9f3e-2f8a2b3c4d5e") == "8d2c1c1e-6f0e-4f0e-9f3e-2f8a2b3c4d5e"


def test_long_texts_with_the_same_beginning_get_keys_of_their_own() -> None:
    first, second = encode_key("x" * 5000 + "1"), encode_key("x" * 5000 + "2")

    assert first != second
    with pytest.raises(ValueError, match="was cut"):
        decode_key(first)
