"""Sources that change while they are copied, and files that know no ranges."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ferry.adapters.memory_cloud import MemoryRequest
from ferry.adapters.memory_sides import MemoryFile, Mishap
from ferry.data_plane.copying.page import PageState
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.secret import Secret
from ferry.ports.blob_sides import UNKNOWN_SIZE
from ferry.ports.storage import BlobItem, SourceBlob
from tests.unit.data_plane.copying.stage import FAST, KIB, Stage

_URL = "https://files.example/data/set.bin"


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A pair of accounts between which the service copies."""
    stage = Stage()
    yield stage
    stage.close()


def change_at(stage: Stage, operation: str, number: int, content: bytes) -> None:
    """Put another version into the source just before that request of that kind."""
    left = [number]

    def mishap(request: MemoryRequest) -> Mishap | None:
        if request.operation == operation:
            left[0] -= 1
            if left[0] == 0:
                old = stage.source_blobs["b"]
                stage.source_blobs["b"] = replace(stage.cloud.new_blob(content, old.headers), blob_type=old.blob_type)
        return None

    stage.sides.mishap = mishap


@pytest.mark.parametrize(
    ("operation", "size_bytes", "gives_urls", "kind"),
    [
        ("Put Blob From URL", KIB, True, "BlockBlob"),
        ("Put Block From URL", 300 * KIB, True, "BlockBlob"),
        ("Get Blob", KIB, False, "BlockBlob"),
        ("Get Blob", 40 * KIB, False, "BlockBlob"),
        ("Append Block From URL", 40 * KIB, True, "AppendBlob"),
        ("Put Page From URL", 40 * KIB, True, "PageBlob"),
    ],
)
def test_a_changed_source_ends_the_copy_or_is_taken_whole(
    operation: str, size_bytes: int, gives_urls: bool, kind: str
) -> None:
    for takes_changes in (False, True):
        stage = Stage(gives_urls=gives_urls)
        blob = stage.add_random("b", size_bytes, blob_type=kind)
        new = bytes(reversed(stage.source_blobs["b"].content))[: size_bytes - 512]
        change_at(stage, operation, 1 if size_bytes == KIB else 3, new)
        state = PageState()
        if takes_changes:
            stage.run(stage.order([blob], takes_changes=True), state)
            assert stage.arrived["folder/b"].content == new
            assert state.changed == {0: len(new)}
            assert state.bytes_done == len(new)
        else:
            with pytest.raises(EffectFailed) as failed:
                stage.run(stage.order([blob]), state)
            assert failed.value.fault.code == FaultCode.SOURCE_CHANGED
            assert not state.done
            assert kind != "BlockBlob" or "folder/b" not in stage.arrived
        stage.close()


def test_a_source_that_changes_all_the_time_is_given_up_for_now(stage: Stage) -> None:
    blob = stage.add_random("b", 10)

    def mishap(_: MemoryRequest) -> None:
        stage.add_random("b", 10)

    stage.sides.mishap = mishap
    with pytest.raises(EffectFailed, match="faster") as failed:
        stage.run(stage.order([blob], takes_changes=True))
    assert (failed.value.fault.code, failed.value.fault.retryable) == (FaultCode.SOURCE_CHANGED, True)
    assert stage.requests()["Put Blob From URL"] == stage.engine.options.versions


def test_copy_from_url_says_changed_in_the_words_of_taken_and_the_source_is_asked(stage: Stage) -> None:
    stage.cloud.server_side -= {"Put Blob From URL"}
    blob = stage.add_random("b", 10)
    stage.add_random("b", 20)
    state = stage.run(stage.order([blob], takes_changes=True))
    assert stage.arrived["folder/b"].content == stage.source_blobs["b"].content
    assert state.changed == {0: 20}


def test_a_part_of_a_changed_blob_is_never_of_another_version(stage: Stage) -> None:
    blob = stage.add_random("b", 300 * KIB)
    stage.add_random("b", 301 * KIB)
    with pytest.raises(EffectFailed) as failed:
        stage.run(stage.order([blob], blocks=range(2), takes_changes=True))
    assert failed.value.fault.code == FaultCode.SOURCE_CHANGED


@pytest.mark.parametrize("size_bytes", [0, 1, 2 * KIB, 2 * KIB + 1, 100 * KIB])
@pytest.mark.parametrize("tells_size", [True, False])
def test_a_file_without_ranges_is_read_once(stage: Stage, size_bytes: int, tells_size: bool) -> None:
    content = bytes(range(256)) * 400
    content = content[:size_bytes]
    stage.sides.files[_URL] = MemoryFile(content, tells_size=tells_size)
    item = BlobItem("set.bin", size_bytes if tells_size else UNKNOWN_SIZE, "")
    source = stage.sides.source_at(Secret(_URL))
    state = stage.run(stage.order([SourceBlob(item, "folder/set.bin")], source=source))
    assert stage.arrived["folder/set.bin"].content == content
    assert stage.requests("files.example") == {"GET": 1}
    assert state.bytes_done == size_bytes
    assert state.changed == ({} if tells_size else {0: size_bytes})


def test_a_file_that_breaks_off_is_read_again_from_the_start(stage: Stage) -> None:
    stage.sides.files[_URL] = MemoryFile(b"x" * 9 * KIB)
    left = [Mishap(), Mishap()]
    stage.sides.mishap = lambda request: left.pop() if left and request.operation == "GET" else None
    item = BlobItem("set.bin", 9 * KIB, "")
    stage.run(stage.order([SourceBlob(item, "set.bin")], source=stage.sides.source_at(Secret(_URL))))
    assert stage.arrived["set.bin"].content == b"x" * 9 * KIB
    assert stage.requests()["GET"] == 3


def test_a_file_of_another_length_than_told_is_not_delivered(stage: Stage) -> None:
    stage.sides.files[_URL] = MemoryFile(b"x" * 9 * KIB)
    item = BlobItem("set.bin", 10 * KIB, "")
    with pytest.raises(EffectFailed) as failed:
        stage.run(stage.order([SourceBlob(item, "set.bin")], source=stage.sides.source_at(Secret(_URL))))
    assert failed.value.fault.code == FaultCode.SOURCE_CHANGED
    assert not stage.arrived


def test_files_with_ranges_are_read_by_blocks() -> None:
    stage = Stage(replace(FAST, memory_bytes=4 * KIB))
    stage.sides.files[_URL] = MemoryFile(b"x" * 20 * KIB, '"1"', reads_ranges=True)
    item = BlobItem("set.bin", 20 * KIB, '"1"')
    stage.run(stage.order([SourceBlob(item, "set.bin")], source=stage.sides.source_at(Secret(_URL))))
    assert stage.requests() == {"GET": 10, "Put Block": 10, "Put Block List": 1}
    assert stage.engine.budget.peak_bytes <= 4 * KIB
    stage.close()
