"""A secret shows itself to nobody who does not ask for it, and an error says what to do."""

import json
import pickle
from dataclasses import dataclass

import pytest

from ferry.domain.faults import (
    AlreadyExists,
    EffectFailed,
    FaultCode,
    FerryError,
    IllegalTransition,
    InputFault,
    InvalidInput,
    NotFound,
)
from ferry.domain.secret import Secret

VALUE = "sv=2026&sig=hidden"


@dataclass
class _Holder:
    secret: Secret


def test_secret_is_stars_wherever_it_is_written() -> None:
    secret = Secret(VALUE)
    written = [repr(secret), str(secret), f"{secret}", f"{secret:>40}", repr(_Holder(secret)), repr([secret])]
    assert not any("hidden" in text for text in written)
    assert json.dumps({"sas": secret}, default=str) == '{"sas": "***"}'


def test_secret_gives_its_value_to_whoever_asks() -> None:
    assert Secret(VALUE).reveal() == VALUE


def test_secret_cannot_be_pickled_or_written_as_json_by_accident() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret(VALUE))
    with pytest.raises(TypeError):
        json.dumps(Secret(VALUE))


def test_secrets_are_equal_by_value_alone() -> None:
    assert Secret("a") == Secret("a") and hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_every_error_of_ours_has_one_base_and_says_what_it_is_about() -> None:
    errors: list[FerryError] = [
        InvalidInput((InputFault("a.b", "is wrong"), InputFault("c", "is missing"))),
        NotFound("TransferProcess", "t-1"),
        IllegalTransition("t-1", "COMPLETED", "terminate"),
        AlreadyExists("Asset", "a-1", "with another body"),
        EffectFailed.because(FaultCode.SAS_REFUSED, "no", step=11),
    ]
    assert [str(error) for error in errors] == [
        "a.b: is wrong; c: is missing",
        "TransferProcess 't-1' does not exist",
        "process t-1 is COMPLETED: terminate",
        "Asset 'a-1' exists already: with another body",
        "SAS_REFUSED: no",
    ]
