"""What every BlobWriter does; a test module gives the fixture `backend` and subclasses this."""

from dataclasses import replace

import pytest

from ferry.domain.faults import EffectFailed, FaultCode, ServerSideCopyUnavailable
from ferry.ports import BlobHeaders, BlobItem, BlobTarget, PutOutcome
from tests.contract.storage_backend import ContainersOfOneName, StorageBackend, chunks_of

HEADERS = BlobHeaders(
    content_type="text/csv; charset=utf-8",
    content_encoding="identity",
    content_language="de",
    content_disposition="attachment",
    cache_control="no-store",
    metadata={"owner": "somebody"},
)


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

    @pytest.mark.parametrize("size_bytes", [0, 1, 8 * 1024 * 1024, 8 * 1024 * 1024 + 1, 20_000_000])
    def test_stream_is_written_once_with_its_headers(
        self, backend: StorageBackend, container: str, size_bytes: int
    ) -> None:
        content = b"0123456789abcdef" * (size_bytes // 16) + b"x" * (size_bytes % 16)
        item = BlobItem("a", size_bytes, '"etag"', headers=HEADERS)
        target = backend.target(container, "a")
        assert backend.writer.put_stream(target, chunks_of(content), item) is PutOutcome.WRITTEN
        assert backend.writer.put_stream(target, chunks_of(content), item) is PutOutcome.EXISTS
        head = backend.storage.head_blob(backend.destination, container, "a")
        assert head is not None
        assert head.headers == HEADERS
        assert head.content_md5
        assert backend.delivered(container) == {"a": content}

    @pytest.mark.parametrize("name", ["a", "ordner/ü #?%.csv"])
    def test_copy_from_url_keeps_content_and_headers(self, backend: StorageBackend, container: str, name: str) -> None:
        backend.seed(backend.source, container, name, b"1,2", HEADERS)
        target, url = backend.target(container, name), backend.source_url(container, name)
        item = backend.source_item(container, name)
        assert backend.writer.copy_from_url(target, url, item) is PutOutcome.WRITTEN
        assert backend.writer.copy_from_url(target, url, item) is PutOutcome.EXISTS
        head = backend.storage.head_blob(backend.destination, container, name)
        assert head is not None
        assert head.headers == HEADERS
        assert backend.delivered(container) == {name: b"1,2"}

    def test_copied_blob_is_as_young_as_its_copy(self, backend: StorageBackend, container: str) -> None:
        backend.seed(backend.source, container, "a", b"1")
        began_at = backend.now()
        backend.writer.copy_from_url(
            backend.target(container, "a"), backend.source_url(container, "a"), backend.source_item(container, "a")
        )
        head = backend.storage.head_blob(backend.destination, container, "a")
        assert head is not None and head.created_at is not None
        assert head.created_at >= began_at.replace(microsecond=0)

    def test_copy_of_another_version_is_refused(self, backend: StorageBackend, container: str) -> None:
        backend.seed(backend.source, container, "a", b"old")
        item = backend.source_item(container, "a")
        backend.seed(backend.source, container, "a", b"new")
        with pytest.raises(EffectFailed) as caught:
            backend.writer.copy_from_url(backend.target(container, "a"), backend.source_url(container, "a"), item)
        assert (caught.value.fault.code, caught.value.fault.retryable) == (FaultCode.SOURCE_CHANGED, False)
        assert backend.delivered(container) == {}

    def test_source_that_the_service_cannot_read_must_be_streamed(
        self, backend: StorageBackend, container: str
    ) -> None:
        backend.seed(backend.source, container, "a", b"1")
        item = backend.source_item(container, "a")
        backend.storage.delete_blob(backend.source, container, "a")
        with pytest.raises(ServerSideCopyUnavailable):
            backend.writer.copy_from_url(backend.target(container, "a"), backend.source_url(container, "a"), item)

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
