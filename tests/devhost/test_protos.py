"""Stand-ins for protobuf messages: what the worker library asks of them."""

import pytest

from ferry.devhost.protos import PROTOS, BindingInfo, Message, ParameterBinding, StatusResult, TypedData


def test_typed_data_tells_its_kind() -> None:
    data = TypedData(json="[1]")
    assert data.WhichOneof("data") == "json"
    assert data.json == "[1]"
    with pytest.raises(AttributeError):
        _ = data.string


def test_unset_typed_data_has_no_kind() -> None:
    assert TypedData().WhichOneof("data") is None


def test_typed_data_refuses_two_kinds() -> None:
    with pytest.raises(TypeError, match="one kind"):
        TypedData(string="a", json="b")


def test_parameter_binding_carries_data() -> None:
    data = TypedData(string="a")
    binding = ParameterBinding(name="msg", data=data)
    assert (binding.WhichOneof("rpc_data"), binding.data) == ("data", data)


def test_message_reads_unset_fields_as_none() -> None:
    message = Message(name="x")
    assert (message.name, message.other) == ("x", None)


def test_any_other_message_is_a_bag() -> None:
    assert PROTOS.RpcHttp(status_code="200").status_code == "200"


def test_numbers_are_those_of_the_protocol() -> None:
    assert (StatusResult.Failure, StatusResult.Success) == (0, 1)
    assert (BindingInfo.in_, BindingInfo.out, BindingInfo.undefined) == (0, 1, 0)
    same_site = PROTOS.RpcHttpCookie.SameSite
    assert [getattr(same_site, name) for name in ("None", "Lax", "Strict", "ExplicitNone")] == [0, 1, 2, 3]
