"""The stack that other end-to-end tests stand on: its processes can be killed and come back where they were."""

import shutil

import pytest

from ferry.cli.failure import CommandFailed
from ferry.cli.hosts import HostKind
from ferry.cli.stack import LocalStack, StackOptions

from .pair import Pair

pytestmark = pytest.mark.e2e


def test_killed_participant_comes_back_on_its_port_with_its_state(pair: Pair) -> None:
    contract = pair.contract({"a.txt": b"a"})
    process = pair.stack.participant("provider")
    url, pid = process.url, process.pid
    process.kill()
    assert not process.is_running
    process.restart()
    assert process.url == url
    assert process.pid != pid
    view = pair.wait(pair.transfer(contract))
    assert view.state == "COMPLETED"
    assert view.verification == "manifest"
    assert pair.delivered(view.destination["container"])["a.txt"] == b"a"


def test_transfer_by_the_decision_records_own_paths_completes(pair: Pair) -> None:
    contract = pair.contract({"only.txt": b"1"}, {"blobName": "only.txt"})
    record_url = pair.stack.consumer.record_url
    order = {"assetId": contract.asset_id, "contractId": contract.agreement_id, "managedResources": True}
    transfer_id = str(pair.consumer.ask("POST", record_url, order)["@id"])
    view = pair.wait(transfer_id)
    assert view.state == "COMPLETED"
    assert pair.consumer.ask("GET", f"{record_url}/{transfer_id}/state")["state"] == "COMPLETED"
    pair.consumer.call("POST", f"{record_url}/{transfer_id}/deprovision")
    assert pair.wait(transfer_id, "DEPROVISIONED").state == "DEPROVISIONED"
    assert pair.delivered(view.destination["container"]) == {}


def test_app_that_cannot_start_fails_with_its_reason_and_log(host_kind: HostKind) -> None:
    wrong = {"provider": {"FERRY_VAULT_URL": "", "FERRY_ROLES": "nonsense"}}
    with pytest.raises(CommandFailed) as failure:
        LocalStack.start(StackOptions(host=host_kind, environment=wrong))
    assert "provider ended with exit code 1 before it was ready" in str(failure.value)
    assert "FERRY_VAULT_URL is missing" in str(failure.value)
    assert "FERRY_ROLES names ['nonsense']" in str(failure.value)
    log = failure.value.log
    assert log is not None
    shutil.rmtree(log.parent)
