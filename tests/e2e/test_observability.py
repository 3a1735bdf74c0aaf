"""What the logs of both participants tell of one transfer: JSON, with process, step and trace, and why it failed."""

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from ferry.cli.hosts import HostKind
from ferry.cli.leftovers import secrets_since, vault_contents
from ferry.cli.management import TransferView
from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack
from tests.e2e.pair import Contract, Pair, until

pytestmark = pytest.mark.e2e

# What the client does itself is in no log.
STEPS = set(range(1, 19)) - {14, 15}
CONSUMER_STEPS = {1, 2, 3, 4, 5, 7, 13, 16, 17, 18}
PROVIDER_STEPS = {5, 6, 7, 8, 9, 10, 11, 12}
_HOSTS_OWN = "[devhost] "

type Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """A transfer that is over, and what both logs have told since before it began."""

    view: TransferView
    logs: dict[str, Sequence[str]]

    def lines(self, name: str) -> list[Line]:
        """The lines of a participant that are not its host's."""
        return [cast("Line", json.loads(line)) for line in self.logs[name] if line.startswith("{")]

    def of_transfer(self, name: str) -> list[Line]:
        """Those of the transfer, by the participant's own id."""
        own_id = self.view.id if name == CONSUMER else self.view.correlation_id
        return [line for line in self.lines(name) if line["process"] == own_id]


class LogReader:
    """Reads what the participants' logs get from now on."""

    def __init__(self, stack: LocalStack) -> None:
        self._paths = {name: stack.participant(name).log_path for name in (CONSUMER, PROVIDER)}
        self._offsets = {name: path.stat().st_size for name, path in self._paths.items()}

    def read(self) -> dict[str, Sequence[str]]:
        """The whole lines, by participant."""
        return {name: self._lines(path, self._offsets[name]) for name, path in self._paths.items()}

    def _lines(self, path: Path, offset: int) -> Sequence[str]:
        return path.read_bytes()[offset:].decode().splitlines()


@pytest.fixture(scope="module")
def module_pair(stack: LocalStack) -> Iterator[Pair]:
    with Pair(stack) as made:
        yield made


@pytest.fixture(scope="module")
def contract(module_pair: Pair) -> Contract:
    return module_pair.contract({"one.txt": b"one", "two.txt": b"two"})


@pytest.fixture(scope="module")
def told(module_pair: Pair, contract: Contract) -> Told:
    """A transfer that went well, all 18 steps, by a client that has no trace of its own."""
    return _told(module_pair, contract)


@pytest.fixture(scope="module")
def failed(module_pair: Pair) -> Told:
    """A transfer whose source is missing."""
    return _told(module_pair, module_pair.contract({"one.txt": b"one"}, {"blobName": "missing.txt"}))


def _told(pair: Pair, contract: Contract) -> Told:
    log, before = LogReader(pair.stack), vault_contents(pair.stack)
    transfer_id = pair.transfer(contract)
    pair.wait_provider(pair.wait(transfer_id))
    until(lambda: list(secrets_since(pair.stack, before)), lambda left: not left)
    pair.consumer.deprovision(transfer_id)
    return Told(pair.wait(transfer_id, "DEPROVISIONED"), log.read())


def test_every_line_of_the_app_is_json_with_process_and_trace(told: Told, host_kind: HostKind) -> None:
    for name, log in told.logs.items():
        others = [line for line in log if not line.startswith("{")]
        assert host_kind is HostKind.FUNC or all(line.startswith(_HOSTS_OWN) for line in others), others
        for line in told.lines(name):
            assert line.keys() >= {"at", "level", "participant", "logger", "message", "process", "trace"}
            assert line["participant"] == name
            assert datetime.fromisoformat(line["at"]).tzinfo is not None


def test_every_line_that_is_about_the_transfer_names_it_and_one_trace(told: Told) -> None:
    ids = {CONSUMER: told.view.id, PROVIDER: str(told.view.correlation_id)}
    traces: set[str] = set()
    for name, own_id in ids.items():
        lines = told.of_transfer(name)
        assert len(lines) >= 10
        assert [line for line in told.lines(name) if own_id in json.dumps(line) and line["process"] != own_id] == []
        traces |= {line["trace"] for line in lines}
    (trace,) = traces
    assert len(trace) == 32


def test_steps_are_told_with_their_numbers_by_the_side_that_takes_them(told: Told) -> None:
    steps = {name: {line.get("step") for line in told.of_transfer(name)} - {None} for name in told.logs}
    assert steps == {CONSUMER: CONSUMER_STEPS, PROVIDER: PROVIDER_STEPS}
    assert steps[CONSUMER] | steps[PROVIDER] == STEPS


def test_requests_are_told_with_endpoint_status_and_time(told: Told) -> None:
    answered = [line for line in told.of_transfer(CONSUMER) if line["message"] == "answered"]
    assert {"create_transferprocesses", "get_transferprocesses", "deprovision_transferprocesses"} <= {
        line["endpoint"] for line in answered
    }
    assert all(line["status"] in (200, 204) and line["ms"] >= 0 for line in answered)


def test_trace_of_the_client_goes_through_both_participants(module_pair: Pair, contract: Contract) -> None:
    log, trace = LogReader(module_pair.stack), secrets.token_hex(16)
    order = {
        "counterPartyAddress": module_pair.provider_url,
        "protocol": "dataspace-protocol-http:2025-1",
        "transferType": "AzureStorage-PUSH",
        "contractId": contract.agreement_id,
    }
    headers = {"traceparent": f"00-{trace}-{secrets.token_hex(8)}-01"}
    begun = cast("dict[str, Any]", module_pair.consumer.call("POST", "/transferprocesses", order, headers))
    view = module_pair.wait(begun["@id"])
    module_pair.wait_provider(view)
    told = Told(view, log.read())
    for name in (CONSUMER, PROVIDER):
        assert {line["trace"] for line in told.of_transfer(name)} == {trace}


def test_failure_is_told_with_its_code_and_step_on_both_sides(failed: Told) -> None:
    for name in (CONSUMER, PROVIDER):
        ends = [line for line in failed.of_transfer(name) if line.get("state") == "TERMINATED" and line.get("step")]
        first = ends[0]
        assert (first["level"], first["code"], first["step"]) == ("WARNING", "SOURCE_BLOB_MISSING", 10)
        assert "missing.txt" in first["message"]
    assert failed.view.error is not None
