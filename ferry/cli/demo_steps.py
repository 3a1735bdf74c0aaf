"""The demo's way through the management API: offer, negotiate, transfer, deprovision, with the steps as they happen."""

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from ferry.cli.failure import CommandFailed
from ferry.cli.management import HistoryLine, ManagementClient, TransferView
from ferry.cli.report import COMPLETED, DEPROVISIONED, StepLine
from ferry.cli.stack import LocalStack

FINAL_STATES = frozenset({COMPLETED, "TERMINATED", DEPROVISIONED})
ASSET_ID = "demo-files"
_NEGOTIATION_SECONDS = 60.0
_SETTLING_SECONDS = 30.0
_DEPROVISION_SECONDS = 120.0
_PAUSES_SECONDS = (0.05, 0.05, 0.1, 0.1, 0.2)

type Shown = Callable[[StepLine], None]


class StepLog:
    """The steps of one transfer, merged from the histories of both sides and from what the client does itself."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._lines: set[StepLine] = set()

    @property
    def lines(self) -> list[StepLine]:
        """All of them, oldest first."""
        return _in_order(self._lines)

    def observe(self, *histories: tuple[str, Iterable[HistoryLine]]) -> None:
        """Take what is new in the histories, each with the side that it is of."""
        lines = {
            StepLine(line.step, line.at, side, line.what)
            for side, history in histories
            for line in history
            if line.step is not None
        }
        for line in _in_order(lines - self._lines):
            self._lines.add(line)
            self._shown(line)

    def did(self, step: int, what: str) -> None:
        """A step of the client's own."""
        self.observe(("client", [HistoryLine(datetime.now(UTC), "", what, step)]))


class DemoSteps:
    """Steers one transfer between the two participants of a stack. Methods raise CommandFailed, ManagementError."""

    def __init__(
        self, stack: LocalStack, *, consumer: ManagementClient, provider: ManagementClient, log: StepLog
    ) -> None:
        self._stack = stack
        self._consumer = consumer
        self._provider = provider
        self._provider_url = stack.provider.protocol_url
        self.log = log

    def offer(self, container: str) -> None:
        """The provider offers all blobs of a container under a policy that everybody meets."""
        account = self._stack.resources("provider").data_storage.name
        address = {"account": account, "container": container, "blobPrefix": ""}
        self._provider.create_asset(ASSET_ID, address, {"name": "The files of the demo"})
        self._provider.create_policy("demo-policy")
        self._provider.create_contract_definition("demo-offer", "demo-policy", ASSET_ID)

    def agree(self) -> str:
        """The consumer finds the offer in the catalog and negotiates; the id of the agreement."""
        offers = [offer for offer in self._consumer.catalog(self._provider_url) if offer.asset_id == ASSET_ID]
        if not offers:
            raise self._failed("The provider's catalog does not offer the demo's asset to the consumer")
        negotiation_id = self._consumer.negotiate(self._provider_url, offers[0])
        deadline = time.monotonic() + _NEGOTIATION_SECONDS
        for _ in self._ticks():
            view = self._consumer.negotiation(negotiation_id)
            if view.state == "FINALIZED" and view.agreement_id is not None:
                return view.agreement_id
            if view.state == "TERMINATED" or time.monotonic() > deadline:
                why = f"it is {view.state}, {view.error or 'no cause is known'}"
                raise self._failed(f"The negotiation {negotiation_id} has led to no agreement: {why}")
        raise AssertionError("ticks never end")

    def start(self, agreement_id: str, *, unmanaged_container: str | None) -> str:
        """Start the transfer (step 1); its id at the consumer."""
        destination = {"container": unmanaged_container} if unmanaged_container else None
        if destination is not None:
            destination["account"] = self._stack.resources("consumer").data_storage.name
        return self._consumer.start_transfer(
            self._provider_url,
            asset_id=ASSET_ID,
            contract_id=agreement_id,
            managed=unmanaged_container is None,
            destination=destination,
        )

    def follow(self, transfer_id: str, *, moved: Callable[[int, int], None]) -> TransferView:
        """Until it is COMPLETED on both sides; `moved` is told the blobs and bytes that the provider has written."""
        view = self._until(transfer_id, FINAL_STATES, moved=moved)
        if view.state != COMPLETED:
            raise self._failed(f"The transfer {transfer_id} is {view.state}: {view.error or 'no cause is known'}")
        if self._consumer.transfer_state(transfer_id) == COMPLETED:
            self.log.did(14, "the client sees COMPLETED")
        self._settle(view)
        return view

    def view(self, transfer_id: str) -> TransferView:
        """The transfer as the consumer shows it now."""
        return self._consumer.transfer(transfer_id)

    def deprovision(self, transfer_id: str) -> TransferView:
        """Ask for it and wait until it is done (steps 16-18)."""
        self._consumer.deprovision(transfer_id)
        view = self._until(transfer_id, frozenset({DEPROVISIONED}), seconds=_DEPROVISION_SECONDS)
        if view.state != DEPROVISIONED:
            waited = f"{_DEPROVISION_SECONDS:g} s after it was asked for"
            raise self._failed(f"The transfer {transfer_id} is still {view.state} {waited}: {view.error or ''}")
        return view

    def _until(
        self,
        transfer_id: str,
        states: frozenset[str],
        *,
        moved: Callable[[int, int], None] = lambda _blobs, _bytes: None,
        seconds: float = float("inf"),
    ) -> TransferView:
        """The transfer once it is in one of the states, or when the time is over; else its own deadlines end it."""
        deadline = time.monotonic() + seconds
        for _ in self._ticks():
            view = self._consumer.transfer(transfer_id)
            self._observe(view, moved)
            if view.state in states or time.monotonic() > deadline:
                return view
        raise AssertionError("ticks never end")

    def _observe(self, view: TransferView, moved: Callable[[int, int], None]) -> TransferView | None:
        """Take the news of both sides; the provider's view once its id is known."""
        if view.correlation_id is None:
            self.log.observe(("consumer", view.history))
            return None
        theirs = self._provider.transfer(view.correlation_id)
        self.log.observe(("consumer", view.history), ("provider", theirs.history))
        told = {**theirs.progress, **theirs.delivered}
        moved(int(told.get("blobs", 0)), int(told.get("bytes", 0)))
        return theirs

    def _settle(self, view: TransferView) -> None:
        """The consumer may know by the marker before the provider has told it."""
        deadline = time.monotonic() + _SETTLING_SECONDS
        for _ in self._ticks():
            theirs = self._observe(view, lambda _blobs, _bytes: None)
            if theirs is None or theirs.state in FINAL_STATES:
                return
            if time.monotonic() > deadline:
                what = f"The consumer has COMPLETED, but the provider is still {theirs.state}"
                raise self._failed(f"{what}: {theirs.error or 'no cause is known'}", provider=True)

    def _ticks(self) -> Iterable[None]:
        """Ever slower, for as long as both sides run."""
        count = 0
        while True:
            yield
            self._stack.check()
            time.sleep(_PAUSES_SECONDS[min(count, len(_PAUSES_SECONDS) - 1)])
            count += 1

    def _failed(self, what: str, *, provider: bool = False) -> CommandFailed:
        side = self._stack.provider if provider else self._stack.consumer
        return CommandFailed(what, next_step="look for the process id in the logs of both sides", log=side.log_path)


def _in_order(lines: Iterable[StepLine]) -> list[StepLine]:
    return sorted(lines, key=lambda line: (line.at, line.step))
