"""How long a small transfer takes between two running participants, and what it costs in requests.

    ./run bench latency [--runs 30] [--at-once 50] [--idle-seconds 30] [--json]

One 1 KiB blob; wall time from before the POST to the first poll (every 20 ms) that says COMPLETED. The requests are
those of one transfer that nobody polls, by account and operation; what the host's own polling of queues and the timer
cost is counted apart.
"""

# The SDK's methods take untyped keyword arguments.
# pyright: reportUnknownMemberType=false

import argparse
import json
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ferry.cli.management import ManagementClient
from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack
from ferry.emulators.request_log import StorageRequest

POLL_SECONDS = 0.02
WARM_UPS = 3
TIMEOUT_SECONDS = 60.0
ASSET = "bench-1kib"
# What a host does on its own, whether or not there is a transfer.
HOST_POLLING = frozenset({"Get Messages"})
TIMER_CONTAINER = "azure-webjobs-hosts"


@dataclass(slots=True)
class Figures:
    """What was measured. Seconds, and counts of requests."""

    runs: list[float] = field(default_factory=list[float])
    at_once: list[float] = field(default_factory=list[float])
    cpu_seconds: dict[str, float] = field(default_factory=dict[str, float])
    requests: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    vault_calls: Counter[str] = field(default_factory=Counter[str])
    polling: int = 0
    idle: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    idle_seconds: float = 0.0


class Bench:
    """The measurements on one stack."""

    def __init__(self, stack: LocalStack, consumer: ManagementClient, provider: ManagementClient) -> None:
        self._stack = stack
        self._consumer = consumer
        self._protocol_url = stack.provider.protocol_url
        self._agreement_id = self._agree(provider)

    def measure(self, *, runs: int, at_once: int, idle_seconds: float) -> Figures:
        """All of it."""
        figures = Figures()
        for _ in range(WARM_UPS):
            self._transfer()
        figures.runs = [self._transfer() for _ in range(runs)]
        self._count_requests(figures)
        self._all_at_once(figures, at_once)
        self._count_idle(figures, idle_seconds)
        return figures

    def _agree(self, provider: ManagementClient) -> str:
        account = self._stack.resources(PROVIDER).data_storage
        with self._stack.blobs(PROVIDER) as blobs:
            blobs.create_container("bench").upload_blob("one.bin", bytes(1024))
        provider.create_asset(
            ASSET, {"account": account.name, "container": "bench", "blobName": "one.bin"}, {"name": ASSET}
        )
        provider.create_policy("bench")
        provider.create_contract_definition("bench", "bench", ASSET)
        offer = next(it for it in self._consumer.catalog(self._protocol_url) if it.asset_id == ASSET)
        negotiation_id = self._consumer.negotiate(self._protocol_url, offer)
        _until(lambda: self._consumer.negotiation(negotiation_id).state == "FINALIZED")
        agreement_id = self._consumer.negotiation(negotiation_id).agreement_id
        if agreement_id is None:
            raise SystemExit("the negotiation came to no agreement")
        return agreement_id

    def _start(self) -> str:
        return self._consumer.start_transfer(self._protocol_url, asset_id=ASSET, contract_id=self._agreement_id)

    def _transfer(self) -> float:
        """Seconds from before the POST until a poll says COMPLETED."""
        begun = time.perf_counter()
        transfer_id = self._start()
        self._wait(transfer_id)
        return time.perf_counter() - begun

    def _wait(self, transfer_id: str, *, poll_seconds: float = POLL_SECONDS) -> None:
        def is_over() -> bool:
            state = self._consumer.transfer_state(transfer_id)
            if state == "TERMINATED":
                raise SystemExit(f"transfer {transfer_id} failed: {self._consumer.transfer(transfer_id).error}")
            return state == "COMPLETED"

        _until(is_over, poll_seconds)

    def _all_at_once(self, figures: Figures, count: int) -> None:
        """All POSTs at once; the end of each is read from its history, so that no polling disturbs them."""
        cpu_before = self._cpu_seconds()
        begun = time.time()
        with ThreadPoolExecutor(count) as pool:
            ids = [it.result() for it in [pool.submit(self._start) for _ in range(count)]]
        for transfer_id in ids:
            self._wait(transfer_id, poll_seconds=0.2)
        figures.cpu_seconds = {name: it - cpu_before[name] for name, it in self._cpu_seconds().items()}
        figures.at_once = sorted(self._completed_at(it) - begun for it in ids)

    def _completed_at(self, transfer_id: str) -> float:
        history = self._consumer.transfer(transfer_id).history
        return next(it.at.timestamp() for it in history if it.state == "COMPLETED")

    def _cpu_seconds(self) -> dict[str, float]:
        """What each process has used so far."""
        pids = {name: it.pid for name, it in self._stack.processes.items()}
        pids["azurite"] = self._stack.emulators.description.azurite_pid
        ticks = os.sysconf("SC_CLK_TCK")
        used = {name: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for name, pid in pids.items()}
        return {name: (int(fields[11]) + int(fields[12])) / ticks for name, fields in used.items()}

    def _count_requests(self, figures: Figures) -> None:
        """One transfer that is only looked at when it is long over."""
        admin = self._stack.admin
        # Delayed looks at the transfers before, and the janitor's visits to them, are not to be counted.
        time.sleep(25)
        for name in (CONSUMER, PROVIDER):
            admin.clear_vault_calls(name)
        before = admin.last_request_sequence()
        transfer_id = self._start()
        time.sleep(4)
        seen = admin.requests(before)
        self._wait(transfer_id)
        figures.requests = Counter((it.account, it.operation) for it in seen if not _is_of_host(it))
        figures.polling = sum(_is_of_host(it) for it in seen)
        for name in (CONSUMER, PROVIDER):
            figures.vault_calls[name] = len(admin.vault_calls(name))

    def _count_idle(self, figures: Figures, seconds: float) -> None:
        # The janitor's last visits to the transfers before belong to them, not to idleness.
        time.sleep(45 if seconds else 0)
        before = self._stack.admin.last_request_sequence()
        time.sleep(seconds)
        figures.idle = Counter((it.account, it.operation) for it in self._stack.admin.requests(before))
        figures.idle_seconds = seconds


def _is_of_host(request: StorageRequest) -> bool:
    is_timer = TIMER_CONTAINER in request.path or (request.operation == "Query Entities" and "Index" in request.path)
    return request.operation in HOST_POLLING or is_timer


def _until(is_true: Callable[[], bool], poll_seconds: float = POLL_SECONDS) -> None:
    ends_at = time.monotonic() + TIMEOUT_SECONDS
    while not is_true():
        if time.monotonic() > ends_at:
            raise SystemExit(f"not within {TIMEOUT_SECONDS:g} s")
        time.sleep(poll_seconds)


def _spread(seconds: Sequence[float]) -> str:
    middle = statistics.median(seconds)
    return f"{min(seconds):.3f} / {middle:.3f} / {max(seconds):.3f} s (min / median / max of {len(seconds)})"


def _table(counts: Counter[tuple[str, str]]) -> list[str]:
    return [f"  {account:14}{operation:28}{count}" for (account, operation), count in sorted(counts.items())]


def report(figures: Figures) -> str:
    """The figures as text."""
    count = len(figures.at_once)
    cpu = ", ".join(f"{name} {seconds:.1f}" for name, seconds in figures.cpu_seconds.items())
    total = sum(figures.requests.values())
    lines = [
        f"POST to COMPLETED, 1 KiB: {_spread(figures.runs)}",
        f"{count} at once: {_spread(figures.at_once)}; CPU seconds: {cpu}",
        f"storage requests of one transfer: {total}, and {figures.polling} of polls and timers",
        *_table(figures.requests),
        f"vault calls of one transfer: {dict(figures.vault_calls)}",
    ]
    if figures.idle_seconds:
        lines.append(f"requests of an idle pair in {figures.idle_seconds:g} s (local polling: 2 s, janitor: 20 s)")
        lines += _table(figures.idle)
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--idle-seconds", type=float, default=30.0)
    parser.add_argument("--json", action="store_true")
    told = parser.parse_args()
    with (
        LocalStack.start() as stack,
        ManagementClient(stack.consumer.management_url, stack.consumer.api_key) as consumer,
        ManagementClient(stack.provider.management_url, stack.provider.api_key) as provider,
    ):
        figures = Bench(stack, consumer, provider).measure(
            runs=told.runs, at_once=told.at_once, idle_seconds=told.idle_seconds
        )
    if told.json:
        requests = {f"{account} {operation}": count for (account, operation), count in figures.requests.items()}
        spread = {"runs": figures.runs, "at_once": figures.at_once, "cpu_seconds": figures.cpu_seconds}
        print(json.dumps({**spread, "requests": requests, "vault_calls": dict(figures.vault_calls)}))
    else:
        print(report(figures))


if __name__ == "__main__":
    main()
