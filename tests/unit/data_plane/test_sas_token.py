"""A SAS as it lies in a vault."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.data_plane.sas_token import SasToken, read_sas_token
from ferry.domain.secret import Secret

SAS = "sv=2026-06-06&sr=c&si=policy-1&sig=a%2Bb%3D"
AT = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_token_is_read_back() -> None:
    token = SasToken(Secret(SAS), AT)
    assert read_sas_token(token.to_secret()) == token


@pytest.mark.parametrize(
    "stored", [SAS, f"?{SAS}", f'{{"sas": "?{SAS}"}}', f'{{"sas": "{SAS}", "expiration": "soon"}}']
)
def test_shorter_forms_are_read(stored: str) -> None:
    assert read_sas_token(Secret(stored)) == SasToken(Secret(SAS))


def test_edcs_own_form_is_read() -> None:
    stored = f'{{"edctype":"dataspaceconnector:azuretoken","sas":"?{SAS}","expiration":1767268800000}}'
    assert read_sas_token(Secret(stored)) == SasToken(Secret(SAS), AT)


@pytest.mark.parametrize(
    "stored",
    ["", "{", "[]", "{}", '{"sas": 1}', "sv=1", '{"sas": "?"}', "sig=1#x", "sig=1 x", "sig=1\r\nx: y", "{" * 100_000],
)
def test_anything_else_is_no_token(stored: str) -> None:
    assert read_sas_token(Secret(stored)) is None


@given(st.integers())
def test_any_expiration_is_read_or_ignored(milliseconds: int) -> None:
    token = read_sas_token(Secret(f'{{"sas": "{SAS}", "expiration": {milliseconds}}}'))
    assert token is not None


@pytest.mark.parametrize(("sas", "has_policy"), [(SAS, True), ("sv=1&sp=cw&sig=x", False), ("ssi=1&sig=x", False)])
def test_policy_is_seen(sas: str, has_policy: bool) -> None:
    assert SasToken(Secret(sas)).has_policy is has_policy
