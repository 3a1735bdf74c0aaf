"""callbackAddresses of an order: read in the forms that clients send, shown as given, refused where they cannot be."""

from typing import Any

import pytest

from ferry.domain.callback_address import CallbackAddress
from ferry.domain.faults import EffectFailed, FaultCode
from tests.unit.api.client import body_of, client_of, faults_in, transfer_request
from tests.world.participants import Pair

EDC = "https://w3id.org/edc/v0.0.1/ns/"
GIVEN = {
    "@type": "CallbackAddress",
    "uri": "https://hook.test/x",
    "events": ["transfer.process"],
    "transactional": False,
    "authKey": "x-key",
    "authCodeId": "hook",
}
READ = CallbackAddress("https://hook.test/x", ("transfer.process",), auth_key="x-key", auth_code_id="hook")


@pytest.mark.parametrize(
    "given",
    [
        GIVEN,
        [GIVEN],
        {"@list": [GIVEN]},
        {**GIVEN, "events": "transfer.process", "@type": None},
        {
            f"{EDC}{name}" if name[0] != "@" else name: [{"@value": value}]
            for name, value in GIVEN.items()
            if name != "events"
        }
        | {f"{EDC}events": {"@set": [{"@value": "transfer.process"}]}},
    ],
    ids=["object", "array", "list", "single event", "expanded"],
)
def test_callback_is_read_in_every_form_and_shown_as_it_was_given(pair: Pair, given: Any) -> None:
    client = client_of(pair.consumer)

    created = body_of(client.post("transferprocesses", transfer_request(pair, callbackAddresses=given)))

    assert pair.transfer(created["@id"]).callbacks == (READ,)
    assert body_of(client.get(f"transferprocesses/{created['@id']}"))["callbackAddresses"] == [GIVEN]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"uri": "hook.test"}, "uri"),
        ({"uri": "ftp://hook.test/x"}, "uri"),
        ({"uri": None}, "uri"),
        ({"uri": "https://hook.test/x?code=abcdef"}, "uri"),
        ({"uri": "https://evil.test/x"}, "uri"),
        ({"events": []}, "events"),
        ({"events": ["a b"]}, "events"),
        ({"events": [7]}, "events"),
        ({"transactional": "yes"}, "transactional"),
        ({"authKey": None}, "authCodeId"),
        ({"authCodeId": None}, "authCodeId"),
        ({"authKey": "Host"}, "authKey"),
        ({"authKey": "x key"}, "authKey"),
        ({"authCodeId": "ferry-sas-1"}, "authCodeId"),
        ({"authCodeId": "a/b"}, "authCodeId"),
        ({"secret": "s"}, "secret"),
    ],
)
def test_wrong_member_is_refused_at_its_path(pair: Pair, changes: dict[str, Any], path: str) -> None:
    def check(url: str) -> None:
        if "evil" in url:
            raise EffectFailed.because(FaultCode.ADDRESS_FORBIDDEN, "it may not be called")

    client = client_of(pair.consumer, check_address=check)
    given = {name: value for name, value in {**GIVEN, **changes}.items() if value is not None}

    answer = client.post("transferprocesses", transfer_request(pair, callbackAddresses=[given]))

    assert set(faults_in(answer)) == {f"callbackAddresses[0].{path}"}
    assert "abcdef" not in str(answer.body)


def test_more_addresses_than_are_told_are_refused(pair: Pair) -> None:
    answer = client_of(pair.consumer).post("transferprocesses", transfer_request(pair, callbackAddresses=[GIVEN] * 11))

    assert set(faults_in(answer)) == {"callbackAddresses"}


def test_signing_key_is_sent_to_no_callback(pair: Pair) -> None:
    client = client_of(pair.consumer, own_secrets=frozenset({"hook"}))

    answer = client.post("transferprocesses", transfer_request(pair, callbackAddresses=[GIVEN]))

    assert set(faults_in(answer)) == {"callbackAddresses[0].authCodeId"}
