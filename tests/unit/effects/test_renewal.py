"""Asking the consumer for an address that lasts longer: what is sent, what is kept, what is not taken."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ferry.adapters.clock import VirtualClock
from ferry.adapters.memory_vault import MemoryVault
from ferry.domain.data_address import AZURE_STORAGE_PUSH, EDC_NAMESPACE
from ferry.domain.faults import EffectFailed
from ferry.domain.message_kind import Role
from ferry.domain.process import Intent, IntentKind
from ferry.domain.secret import Secret
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import Destination, TransferProcess
from ferry.effects.renewal import AddressRenewal
from ferry.ports.peer import PeerAnswer
from ferry.protocol.renewal_messages import address_answer
from ferry.protocol.sas import parse_sas
from tests.unit.effects.wire import Wire

NOW = datetime(2026, 1, 1, tzinfo=UTC)
END, LATER = NOW + timedelta(hours=1), NOW + timedelta(hours=2)
SAS = "sv=2026&sr=c&si=p&sig=c2VjcmV0"
PLACE = Destination(
    account="consumerdata", container="transfer-1", marker=".complete", secret_name="ferry-sas-1", sas_expires_at=END
)
RENEW = Intent("intent-1", IntentKind.RENEW_ADDRESS)


def transfer(role: Role = Role.PROVIDER, place: Destination = PLACE) -> TransferProcess:
    """That transfer as one side has it."""
    own, other = ("provider-pid", "consumer-pid") if role is Role.PROVIDER else ("consumer-pid", "provider-pid")
    return TransferProcess(
        id=own,
        role=role,
        state=TransferState.STARTED,
        created_at=NOW,
        state_at=NOW,
        counter_party_id="consumer",
        counter_party_address="http://consumer.test/dsp/consumer",
        correlation_id=other,
        agreement_id="agreement-1",
        asset_id="asset-1",
        transfer_type=AZURE_STORAGE_PUSH,
        destination=place,
    )


def answer(**changes: object) -> PeerAnswer:
    """What the consumer answers, about a destination with those changes."""
    place = replace(PLACE, **{"sas_expires_at": LATER, **changes})
    return PeerAnswer(200, address_answer(transfer(Role.CONSUMER, place), Secret(SAS)))


def renewal(wire: Wire, vault: MemoryVault) -> AddressRenewal:
    return AddressRenewal(peer=wire.peer(), vault=vault)


def test_new_sas_is_kept_under_the_name_of_the_one_before() -> None:
    wire, vault = Wire([answer()]), MemoryVault(VirtualClock())
    assert renewal(wire, vault).renew(transfer(), RENEW) == {"sas_expires_at": LATER.isoformat()}
    kept = vault.get("ferry-sas-1")
    assert kept is not None
    sas, ends_at = parse_sas(kept.reveal())
    assert (sas.reveal(), ends_at, vault.expires_at("ferry-sas-1")) == (SAS, LATER, LATER)


def test_question_names_the_transfer_and_holds_no_secret() -> None:
    wire = Wire([answer()])
    renewal(wire, MemoryVault(VirtualClock())).renew(transfer(), RENEW)
    sent = wire.sent()
    assert (sent.method, sent.url) == (
        "POST",
        "http://consumer.test/dsp/consumer/ferry/transfers/consumer-pid/address",
    )
    assert sent.body is not None
    assert {name: it for name, it in sent.body.items() if name != "@context"} == {
        "@type": "TransferAddressRequest",
        "consumerPid": "consumer-pid",
        "providerPid": "provider-pid",
    }


@pytest.mark.parametrize(
    ("said", "retryable"),
    [
        (PeerAnswer(400), False),
        (PeerAnswer(401), False),
        (PeerAnswer(403), False),
        (PeerAnswer(404), True),
        (PeerAnswer(409), True),
        (PeerAnswer(429), True),
        (PeerAnswer(503), True),
        (PeerAnswer(200), True),
        (PeerAnswer(200, {"@type": "TransferProcess"}), True),
        (answer(container="transfer-2"), False),
        (answer(account="otherdata"), False),
        (answer(endpoint="https://evil.test"), False),
        (answer(folder="in/"), False),
        (answer(blob_name="one"), False),
        (answer(marker=".other.complete"), False),
        (answer(sas_expires_at=END), True),
        (answer(sas_expires_at=None), True),
    ],
)
def test_answer_that_is_no_longer_address_of_the_same_place_is_not_taken(said: PeerAnswer, retryable: bool) -> None:
    vault = MemoryVault(VirtualClock())
    with pytest.raises(EffectFailed) as failed:
        renewal(Wire([said]), vault).renew(transfer(), RENEW)
    assert (failed.value.fault.code, failed.value.fault.retryable) == ("PEER_REFUSED", retryable)
    assert "sig" not in failed.value.fault.message
    assert vault.names() == []


def test_peer_that_cannot_be_reached_is_asked_again() -> None:
    with pytest.raises(EffectFailed) as failed:
        renewal(Wire(is_cut=True), MemoryVault(VirtualClock())).renew(transfer(), RENEW)
    assert failed.value.fault.retryable


def test_told_address_is_that_of_the_first_request() -> None:
    body = answer().body
    assert body is not None
    told = body["dataAddress"]
    assert isinstance(told, dict) and isinstance(told["endpointProperties"], list)
    names = [str(it["name"]).removeprefix(EDC_NAMESPACE) for it in told["endpointProperties"] if isinstance(it, dict)]
    assert names == ["account", "container", "secret", "renewal"]
