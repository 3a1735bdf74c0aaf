"""EDC's mock identity: what it writes and what it believes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.protocol.identity import MockIdentity, Unauthenticated


@given(st.text(st.characters(exclude_categories=["C"]), min_size=1).filter(str.strip), st.text(max_size=20))
def test_what_one_writes_another_believes(participant_id: str, audience: str) -> None:
    header = MockIdentity(participant_id).authorization(audience)

    assert header.isascii()
    assert "\n" not in header
    assert MockIdentity("other").identify(header) == participant_id


def test_header_has_all_that_any_version_wants() -> None:
    header = json.loads(MockIdentity("consumer").authorization("https://provider.example/dsp"))

    assert header == {"region": "eu", "audience": "https://provider.example/dsp", "clientId": "consumer"}


@pytest.mark.parametrize(
    "header",
    [
        '{"audience":null,"clientId":"consumer"}',
        '{"region":"eu","audience":"http://localhost/protocol","clientId":"consumer"}',
        '  {"clientId":"consumer","more":1}  ',
        '"{"region": "any", "audience": "any", "clientId":"consumer"}"',
        '"{\\"region\\": \\"any\\", \\"clientId\\":\\"consumer\\"}"',
        'Bearer {"clientId":"consumer"}',
    ],
)
def test_every_variant_is_believed(header: str) -> None:
    assert MockIdentity("provider").identify(header) == "consumer"


@pytest.mark.parametrize(
    "header",
    [None, "", "  ", "Bearer", "Bearer abc", "{", "[]", "1", "{}", '{"clientId":""}', '{"clientId":7}', "[" * 100_000],
)
def test_header_without_a_client_id_is_refused_without_showing_it(header: str | None) -> None:
    with pytest.raises(Unauthenticated) as refused:
        MockIdentity("provider").identify(header)

    assert "abc" not in str(refused.value)
