"""The codec: every document type survives the round trip, old and new documents are read, nothing odd is stored."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferry.domain.codec import from_bytes, from_json, to_bytes, to_json
from ferry.domain.contracts import Asset, ContractAgreement, ContractDefinition, ContractNegotiation, PolicyDefinition
from ferry.domain.data_flow import DataFlow
from ferry.domain.faults import Fault
from ferry.domain.message_kind import Role
from ferry.domain.process import Json, JsonObject
from ferry.domain.secret import Secret
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess

NOW = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)
DOCUMENTS = [
    TransferProcess,
    ContractNegotiation,
    DataFlow,
    Asset,
    PolicyDefinition,
    ContractDefinition,
    ContractAgreement,
]

_text = st.text(max_size=8)
_scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _text
_json = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_text, inner, max_size=2),
    max_leaves=3,
)
_offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_times = st.datetimes(datetime(1970, 1, 2), datetime(2999, 1, 1), timezones=st.just(UTC) | _offsets)
_PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: _text,
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    datetime: _times,
    Json: _json,
    JsonObject: st.dictionaries(_text, _json, max_size=2),
}


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of an annotated type, by rules of its own, so that the codec's are not checked against themselves."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    if get_origin(hint) is tuple:
        return st.lists(values_of(get_args(hint)[0]), max_size=2).map(tuple)
    if NoneType in get_args(hint):
        return st.none() | values_of(next(argument for argument in get_args(hint) if argument is not NoneType))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return st.sampled_from(hint)
    assert isinstance(hint, type) and is_dataclass(hint), hint
    hints = get_type_hints(hint)
    return st.builds(hint, **{part.name: values_of(hints[part.name]) for part in fields(hint)})


def a_transfer(**changes: Any) -> TransferProcess:
    values: dict[str, Any] = {
        "id": "8d2c1c1e-6f0e-4f0e-9f3e-2f8a2b3c4d5e",
        "created_at": NOW,
        "state_at": NOW,
        "role": Role.CONSUMER,
        "state": TransferState.STARTED,
        "counter_party_id": "provider",
        "counter_party_address": "https://provider.example/api/dsp",
        "agreement_id": "agreement-1",
        "asset_id": "https://example.com/assets/1?a=b#c",
        "transfer_type": "AzureStorage-PUSH",
    }
    return TransferProcess(**values | changes)


@pytest.mark.parametrize("cls", DOCUMENTS)
def test_any_document_survives_the_round_trip(cls: type[Any]) -> None:
    @settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
    @given(values_of(cls))
    def round_trip(document: Any) -> None:
        assert from_bytes(cls, to_bytes(document)) == document

    round_trip()


def test_times_of_other_zones_are_written_in_utc() -> None:
    local = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))

    written = to_json(a_transfer(created_at=local))

    assert written["created_at"] == "2026-03-04T05:06:07.000089+00:00"
    assert from_json(TransferProcess, written).created_at.tzinfo is UTC


def test_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="has no zone"):
        to_json(a_transfer(created_at=NOW.replace(tzinfo=None)))


def test_missing_keys_get_their_defaults() -> None:
    written = {name: value for name, value in to_json(a_transfer()).items() if name not in ("history", "protocol")}

    assert from_json(TransferProcess, written) == a_transfer()


def test_unknown_keys_are_passed_over() -> None:
    written = {**to_json(a_transfer()), "of_a_later_version": {"x": 1}}

    assert from_json(TransferProcess, written) == a_transfer()


def test_fields_that_are_none_by_default_are_left_out() -> None:
    written = to_json(a_transfer(correlation_id=None))

    assert "correlation_id" not in written


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"role": "NOBODY"}, r"TransferProcess\.role: 'NOBODY' is not a valid Role"),
        ({"revision": "1"}, r"TransferProcess\.revision: str where int is expected"),
        ({"revision": True}, r"TransferProcess\.revision: bool where int is expected"),
        ({"id": 1}, r"TransferProcess\.id: int where str is expected"),
        ({"history": [{"at": 5}]}, r"TransferProcess\.history: HistoryEntry\.at: int where str is expected"),
        ({"created_at": "2026-01-01T00:00:00"}, r"TransferProcess\.created_at: the time .* has no zone"),
        ({"intents": {}}, r"TransferProcess\.intents: dict where list is expected"),
        ({"delivered": []}, r"TransferProcess\.delivered: list where dict is expected"),
        ({"destination": "x"}, r"TransferProcess\.destination: str where Destination is expected"),
    ],
)
def test_value_of_the_wrong_type_is_named(changes: Mapping[str, Json], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_json(TransferProcess, {**to_json(a_transfer()), **changes})


def test_missing_required_keys_are_named() -> None:
    with pytest.raises(ValueError, match=r"^Fault: code, message missing$"):
        from_json(Fault, {})


def test_half_a_surrogate_pair_survives() -> None:
    process = a_transfer(asset_id=json.loads('"\\ud83d"'))

    assert from_bytes(TransferProcess, to_bytes(process)) == process


def test_secret_in_json_is_refused() -> None:
    hidden: Any = Secret("sig=abc")

    with pytest.raises(TypeError, match="not JSON serializable"):
        to_bytes(a_transfer(delivered={"sas": hidden}))


def test_secret_as_field_is_refused() -> None:
    @dataclass(frozen=True, slots=True)
    class Careless:
        sas: Secret

    with pytest.raises(TypeError, match="does not belong in a document"):
        to_json(Careless(Secret("sig=abc")))


def test_infinite_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_bytes(a_transfer(delivered={"ratio": float("inf")}))


def test_whole_number_is_read_as_float_where_a_float_is_declared() -> None:
    @dataclass(frozen=True, slots=True)
    class Weight:
        kilograms: float
        labels: tuple[str, ...] = field(default=())

    assert from_json(Weight, {"kilograms": 3}) == Weight(3.0)
