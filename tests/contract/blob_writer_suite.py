"""What every BlobWriter does; a test module gives the fixture `backend` and subclasses this."""

from dataclasses import replace

import pytest

from ferry.domain.faults import EffectFailed, FaultCode
from ferry.ports.copying import BlobTarget, PutOutcome
from tests.contract.storage_backend import ContainersOfOneName, StorageBackend


class BlobWriterSuite(ContainersOfOneName):
    """Writing with a SAS, never over what is there."""

    def test_bytes_are_written_once(self, backend: StorageBackend, container: str) -> None:
        target = backend.target(container, "ordner/ü #?%.json")
        assert backend.writer.put_bytes(target, b"{}", "application/json") is PutOutcome.WRITTEN
        assert backend.writer.put_bytes(target, b"other", "application/json") is PutOutcome.EXISTS
        assert backend.delivered(container) == {"ordner/ü #?%.json": b"{}"}
        head = backend.storage.head_blob(backend.destination, container, "ordner/ü #?%.json")
        assert head is not None and head.headers is not None
        assert head.headers.content_type == "application/json"

    def test_container_that_is_gone_takes_no_blob(self, backend: StorageBackend, container: str) -> None:
        target = backend.target(container, "a")
        backend.storage.delete_container(backend.destination, container, "process-1")
        with pytest.raises(EffectFailed) as caught:
            backend.writer.put_bytes(target, b"", "text/plain")
        assert (caught.value.fault.code, caught.value.fault.retryable) == (FaultCode.DESTINATION_GONE, False)

    def test_nobody_at_the_endpoint_is_retried_and_no_sas_is_told(
        self, backend: StorageBackend, container: str
    ) -> None:
        target = replace(backend.target(container, "a"), endpoint="https://127.0.0.1:1/nowhere")
        with pytest.raises(EffectFailed) as caught:
            backend.writer.put_bytes(target, b"", "text/plain")
        assert (caught.value.fault.code, caught.value.fault.retryable) == (FaultCode.DESTINATION_UNAVAILABLE, True)
        assert_no_secret(caught.value, target)

    def test_refused_sas_is_not_told(self, backend: StorageBackend, container: str) -> None:
        target = backend.target(container, "a", backend.scope(container, "r"))
        with pytest.raises(EffectFailed) as caught:
            backend.writer.put_bytes(target, b"", "text/plain")
        assert_no_secret(caught.value, target)


def assert_no_secret(error: BaseException | None, target: BlobTarget) -> None:
    """Neither the error nor any that it came from knows the signature."""
    signature = next(part for part in target.sas.reveal().split("&") if part.startswith("sig="))[4:]
    while error is not None:
        assert signature not in repr(error) + str(error)
        error = error.__cause__ or error.__context__
