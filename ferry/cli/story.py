"""The story that `ferry demo` tells on a running stack: put, offer, agree, transfer, verify, take away."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient

from ferry.cli import blob_checks
from ferry.cli.demo_steps import DemoSteps, StepLog
from ferry.cli.failure import CommandFailed
from ferry.cli.leftovers import destination_leftovers, secrets_since, settled, vault_contents
from ferry.cli.management import ManagementClient, ManagementError, TransferView
from ferry.cli.progress import Display
from ferry.cli.report import DEPROVISIONED, DemoReport
from ferry.cli.source_files import SourceFile
from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack

SOURCE_CONTAINER = "demo-source"
UNMANAGED_CONTAINER = "demo-inbox"
BYSTANDER = b"This was here before and is not to be touched.\n"


@dataclass(frozen=True, slots=True)
class _Destination:
    """Where the blobs went, and what lay there before; `bystander` is empty in a container of ours."""

    container: str
    marker: str
    bystander: str

    @property
    def others(self) -> frozenset[str]:
        """The names that are not of the source."""
        return frozenset((self.marker, self.bystander))


class Story:
    """One transfer from beginning to end; what it finds out goes into the report."""

    def __init__(self, stack: LocalStack, *, display: Display, report: DemoReport) -> None:
        self._stack = stack
        self._display = display
        self._report = report
        self._log = StepLog(display.step)

    def tell(self, files: Sequence[SourceFile], *, unmanaged: bool) -> None:
        """All of it. Raises CommandFailed; the report then says how far it came."""
        consumer, provider = self._stack.consumer, self._stack.provider
        try:
            with (
                ManagementClient(consumer.management_url, consumer.api_key) as consumer_client,
                ManagementClient(provider.management_url, provider.api_key) as provider_client,
                self._stack.blobs(CONSUMER) as inbox,
                self._stack.blobs(PROVIDER) as source,
            ):
                steps = DemoSteps(self._stack, consumer=consumer_client, provider=provider_client, log=self._log)
                digests = self._put(source, files)
                bystander = self._prepare_inbox(inbox) if unmanaged else ""
                self._transfer_and_verify(steps, inbox, digests, bystander=bystander)
        except ManagementError as error:
            # Where a participant has ended, that is what is to be told.
            self._stack.check()
            raise self._failed(str(error)) from error
        except AzureError as error:
            self._stack.check()
            raise self._failed(f"The storage emulator refused: {error}") from error
        finally:
            self._report.steps = self._log.lines

    def _transfer_and_verify(
        self, steps: DemoSteps, inbox: BlobServiceClient, digests: dict[str, bytes], *, bystander: str
    ) -> None:
        with self._display.phase("offer", "Provider: asset, policy, contract definition"):
            steps.offer(SOURCE_CONTAINER)
        with self._display.phase("negotiate", "Consumer: catalog and negotiation"):
            agreement_id = steps.agree()
            self._display.say(f"contract agreement {agreement_id}")
        secrets_before = vault_contents(self._stack)
        with self._display.phase("transfer", "Transfer"):
            view = self._transfer(steps, agreement_id, unmanaged_container=UNMANAGED_CONTAINER if bystander else None)
        destination = _destination_of(view, bystander)
        with self._display.phase("verify", "Consumer: reading everything back"):
            self._verify(inbox, destination, digests)
        with self._display.phase("deprovision", "Deprovisioning"):
            self._noted(steps.deprovision(view.id))
        with self._display.phase("check", "Looking for what is left"):
            self._look_round(inbox, destination, digests)
            self._report.leftovers = settled(
                lambda: [
                    *destination_leftovers(
                        inbox, destination.container, marker=destination.marker, managed=not bystander
                    ),
                    *secrets_since(self._stack, secrets_before),
                ]
            )
            self._report.deprovisioned = self._report.state == DEPROVISIONED and not self._report.leftovers

    def _put(self, source: BlobServiceClient, files: Sequence[SourceFile]) -> dict[str, bytes]:
        total = self._report.size_bytes
        with (
            self._display.phase("upload", "Putting the files into the provider's account"),
            self._display.counting("put", blobs=len(files), size_bytes=total) as counter,
        ):
            return blob_checks.upload(source, SOURCE_CONTAINER, files, counted=counter.add)

    def _prepare_inbox(self, inbox: BlobServiceClient) -> str:
        """The container that exists before the transfer, with a blob of somebody else in it."""
        name = f"bystander-{secrets.token_hex(8)}.txt"
        blob_checks.create_container(inbox, UNMANAGED_CONTAINER, {name: BYSTANDER})
        return name

    def _transfer(self, steps: DemoSteps, agreement_id: str, *, unmanaged_container: str | None) -> TransferView:
        report = self._report
        report.transfer_id = steps.start(agreement_id, unmanaged_container=unmanaged_container)
        with self._display.counting("copied", blobs=report.blobs, size_bytes=report.size_bytes) as counter:
            try:
                view = steps.follow(report.transfer_id, moved=counter.set)
            except CommandFailed:
                self._noted(steps.view(report.transfer_id))
                raise
        self._noted(view)
        return view

    def _noted(self, view: TransferView) -> None:
        self._report.state = view.state
        self._report.states = list(dict.fromkeys(line.state for line in view.history))

    def _verify(self, inbox: BlobServiceClient, destination: _Destination, digests: dict[str, bytes]) -> None:
        report = self._report
        with self._display.counting("read", blobs=report.blobs, size_bytes=report.size_bytes) as counter:
            found = blob_checks.compare(
                inbox, destination.container, digests, ignored=destination.others, counted=counter.add
            )
        report.verified, report.size_bytes = found.verified, found.size_bytes
        if found.faults:
            raise self._failed(f"What arrived is not what was sent: {'; '.join(found.faults)}")
        self._log.did(15, f"{found.verified} blobs read back, SHA-256 as in the source")

    def _look_round(self, inbox: BlobServiceClient, destination: _Destination, digests: dict[str, bytes]) -> None:
        """In a container that is not ours: whether everything is still there that was, and that was delivered."""
        if not destination.bystander:
            return
        names = blob_checks.blob_names(inbox, destination.container)
        bystander = blob_checks.read_blob(inbox, destination.container, destination.bystander)
        self._report.kept = {
            "container kept": blob_checks.container_exists(inbox, destination.container),
            "bystander kept": bystander == BYSTANDER,
            "delivered blobs kept": digests.keys() <= names,
        }

    def _failed(self, what: str) -> CommandFailed:
        return CommandFailed(
            what, next_step="read this log and that of the provider beside it", log=self._stack.consumer.log_path
        )


def _destination_of(view: TransferView, bystander: str) -> _Destination:
    told = view.destination
    return _Destination(str(told["container"]), str(told.get("completionMarker", ".complete")), bystander)
