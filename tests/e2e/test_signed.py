"""Participants that prove who they are: the whole flow, over a data plane of its own, and what strangers are told."""

import json
from collections.abc import Iterator

import httpx2
import pytest

from ferry.cli.hosts import HostKind
from ferry.cli.stack import CONSUMER, DATA_PLANE, PROVIDER, LocalStack, StackOptions
from ferry.protocol.identity import MockIdentity

from .pair import Pair

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture(scope="module")
def signed_pair(host_kind: HostKind) -> Iterator[Pair]:
    """A consumer, a provider and its data plane, each known by its signature alone."""
    options = StackOptions(host=host_kind, signed=True, remote_data_plane=True)
    with LocalStack.start(options) as stack, Pair(stack) as made:
        yield made


def test_contract_and_transfer_between_participants_that_sign(signed_pair: Pair) -> None:
    contract = signed_pair.contract({"one.txt": b"one", "folder/two.txt": b"two"})
    view = signed_pair.wait(signed_pair.transfer(contract))
    assert (view.state, view.error) == ("COMPLETED", None)
    assert signed_pair.wait_provider(view).state == "COMPLETED"
    (arrived,) = [
        blobs
        for container in signed_pair.inbox.list_containers()
        if (blobs := signed_pair.delivered(container.name)).get("one.txt")
    ]
    assert {name: arrived[name] for name in ("one.txt", "folder/two.txt")} == {
        "one.txt": b"one",
        "folder/two.txt": b"two",
    }


def test_keys_are_published_where_the_did_leads(signed_pair: Pair) -> None:
    for name in (CONSUMER, PROVIDER):
        process = signed_pair.stack.participant(name)
        answer = httpx2.get(f"{process.url}/api/did.json", trust_env=False)
        document = answer.json()
        assert answer.status_code == 200
        assert document["id"] == f"did:web:127.0.0.1%3A{process.url.rpartition(':')[2]}:api"
        assert len(document["verificationMethod"]) == 1
        assert "PRIVATE" not in answer.text and '"d"' not in answer.text
        with signed_pair.stack.vault(name) as vault:
            assert "PRIVATE KEY" in (vault.get_secret("ferry-signing-key").value or "")


@pytest.mark.parametrize("claim", [None, PROVIDER, CONSUMER])
def test_claim_without_proof_is_refused_and_the_log_says_why(signed_pair: Pair, claim: str | None) -> None:
    headers = {"Authorization": MockIdentity(claim).authorization("x")} if claim else {}
    provider, plane = signed_pair.stack.provider, signed_pair.stack.participant(DATA_PLANE)
    for url in (
        f"{provider.protocol_url}/catalog/request",
        f"{provider.url}/api/control/transfers/x/dataflow/completed",
        f"{plane.url}/api/dataflows/start",
    ):
        answer = httpx2.post(url, json={}, headers=headers, trust_env=False)
        assert answer.status_code == 401
    lines = [json.loads(line) for line in provider.log_path.read_text().splitlines() if line.startswith('{"at"')]
    assert any(line["message"].startswith("refused a peer: scheme: ") for line in lines)
