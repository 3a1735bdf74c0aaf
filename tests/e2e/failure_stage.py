"""Where transfers are made to fail: a pair whose copies can be held, with a look behind the APIs."""

# The SDK leaves keyword arguments without types.
# pyright: reportUnknownMemberType=false

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobClient

from ferry.cli.management import TransferView
from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack
from ferry.data_plane.manifest import DeliveryTally
from ferry.data_plane.sas_token import read_sas_token
from ferry.domain.contracts import ContractAgreement
from ferry.domain.secret import Secret
from ferry.domain.transfer_process import TransferProcess
from ferry.emulators.relay_faults import RelayFault
from ferry.services.azure import azure_outside
from ferry.services.outside import Outside
from ferry.settings import read_settings

from .pair import Contract, Pair, until

BUSY = 503


class FailureStage(Pair):
    """A pair on a stack with a relay before its storage. `swapped`: each participant in the other one's part."""

    def __init__(self, stack: LocalStack, *, swapped: bool = False) -> None:
        super().__init__(stack)
        self.consumer_name, self.provider_name = (PROVIDER, CONSUMER) if swapped else (CONSUMER, PROVIDER)
        if swapped:
            self.consumer, self.provider = self.provider, self.consumer
            self.inbox, self.outbox = self.outbox, self.inbox
        self._outside = {name: _outside_of(stack, name) for name in (CONSUMER, PROVIDER)}
        self._held: tuple[str, ...] = ()

    @property
    def provider_url(self) -> str:
        """The DSP base of whoever provides."""
        return self.stack.participant(self.provider_name).protocol_url

    @property
    def source_account(self) -> str:
        """Where the blobs lie that are offered."""
        return self.stack.resources(self.provider_name).data_storage.name

    @cached_property
    def plain_contract(self) -> Contract:
        """An agreement about one blob, for all that fails before or without a copy."""
        return self.contract({"a.txt": b"a"}, {"account": self.source_account, "blobPrefix": ""})

    def hold(self, *blob_names: str) -> None:
        """From now on the storage is too busy for every write to blobs of these names: a copy gets that far."""
        self._held = (*self._held, *blob_names)
        self._plan()

    def release(self, *blob_names: str) -> None:
        """Let them be written."""
        self._held = tuple(name for name in self._held if name not in blob_names)
        self._plan()

    def held_contract(self, name: str) -> Contract:
        """An agreement about two blobs: `a.txt` is copied, one of the name given is held."""
        contract = self.contract({"a.txt": b"first\n", name: b"second\n"})
        self.hold(name)
        return contract

    def half_delivered(self, transfer_id: str) -> TransferView:
        """The transfer once its first blob has arrived, and the provider's id is known."""
        view = self.wait(transfer_id, "REQUESTED", "STARTED")
        container = str(view.destination["container"])
        until(lambda: self.delivered(container), lambda blobs: "a.txt" in blobs)
        return until(lambda: self.consumer.transfer(transfer_id), lambda seen: seen.correlation_id is not None)

    def document(self, participant: str, process_id: str) -> TransferProcess:
        """The transfer as the participant keeps it, with the names that no API shows."""
        record = self._outside[participant].transfers.load(process_id)
        assert record is not None, f"{participant} does not know {process_id}"
        return record.document

    def plant_agreement(self, participant: str, agreement: ContractAgreement) -> None:
        """Let a participant believe in an agreement that was never negotiated."""
        self._outside[participant].agreements.create(agreement.id, agreement)

    def agreement(self, participant: str, agreement_id: str) -> ContractAgreement:
        """An agreement as the participant keeps it."""
        found = self._outside[participant].agreements.get(agreement_id)
        assert found is not None, f"{participant} does not know {agreement_id}"
        return found

    def captured_sas(self, view: TransferView) -> Secret:
        """The SAS that the provider was given, as somebody would have it who has broken into its vault."""
        assert view.correlation_id is not None
        name = _destination_secret(self.document(self.provider_name, view.correlation_id))
        with self.stack.vault(self.provider_name) as vault:
            token = read_sas_token(Secret(vault.get_secret(name).value or ""))
        assert token is not None
        return token.sas

    def write_with_sas(self, view: TransferView, name: str, content: bytes) -> None:
        """Put a blob into the transfer's container as the provider could."""
        endpoint = self.stack.resources(self.consumer_name).data_storage.blob_endpoint
        url = f"{endpoint}/{view.destination['container']}/{name}"
        with BlobClient.from_blob_url(url, credential=self.captured_sas(view).reveal()) as blob:
            blob.upload_blob(content)

    def manifest(self, view: TransferView, entries: Mapping[str, int], **changes: str) -> bytes:
        """A marker's content that says that these blobs were delivered; `changes`: ids that are not right."""
        tally = DeliveryTally()
        for name, size_bytes in sorted(entries.items()):
            tally.add(name, size_bytes)
        manifest = tally.manifest(
            consumer_pid=view.id, provider_pid=view.correlation_id or "", agreement_id=str(view.raw["contractId"])
        )
        return replace(manifest, **changes).encode()

    def revoke_policies(self, container: str) -> None:
        """What an operator of the account does to cut off everybody who holds a SAS."""
        with self.inbox.get_container_client(container) as client:
            client.set_container_access_policy({})

    def container_exists(self, container: str) -> bool:
        """Whether the consumer's account has it."""
        with self.inbox.get_container_client(container) as client:
            return client.exists()

    def access_left(self, participant: str, process_id: str) -> Sequence[str]:
        """What still lets somebody in on behalf of this transfer: secrets (deleted ones too), access policies."""
        process = self.document(participant, process_id)
        name, names = _destination_secret(process), self.stack.admin.secret_names(participant)
        left = [f"secret {name}" for known in (names.live, names.deleted) if name in known]
        if participant == self.consumer_name and process.destination is not None:
            left += [f"policy {policy}" for policy in self._policies(process.destination.container)]
        return left

    def _policies(self, container: str) -> Sequence[str]:
        with self.inbox.get_container_client(container) as client:
            try:
                return [policy.id for policy in client.get_container_access_policy()["signed_identifiers"]]
            except ResourceNotFoundError:
                return []

    def _plan(self) -> None:
        held = [RelayFault("status", status=BUSY, service="blob", method="PUT", path_contains=n) for n in self._held]
        self.stack.admin.plan_relay_faults(*held)


def _outside_of(stack: LocalStack, participant: str) -> Outside:
    process = stack.participant(participant)
    environment = process.settings.environment(process.url)
    return azure_outside(read_settings(environment), environment)


def _destination_secret(process: TransferProcess) -> str:
    assert process.destination is not None
    return process.destination.secret_name
