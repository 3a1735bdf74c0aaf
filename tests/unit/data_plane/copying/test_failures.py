"""Answers that end a copy, and those that only delay it: which fault, whether to retry, and how many requests."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ferry.adapters.memory_cloud import MemoryRequest
from ferry.adapters.memory_sides import Mishap
from ferry.data_plane.copying.page import PageState
from ferry.domain.faults import EffectFailed, Fault, FaultCode
from ferry.ports.blob_sides import WireAnswer
from tests.unit.data_plane.copying.stage import FAST, KIB, Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A pair of accounts between which the service copies."""
    stage = Stage()
    yield stage
    stage.close()


def fault_of(stage: Stage, count: int = 1, size_bytes: int = 10) -> Fault:
    """How copying some blobs fails."""
    with pytest.raises(EffectFailed) as failed:
        stage.run(stage.order([stage.add_random(f"b{number}", size_bytes) for number in range(count)]))
    return failed.value.fault


def always(stage: Stage, operation: str, answer: WireAnswer | None) -> None:
    """Let every request of that kind come to the same."""
    stage.sides.mishap = lambda request: Mishap(answer) if request.operation == operation else None


def once(stage: Stage, operation: str, mishap: Mishap) -> None:
    """Let the first request of that kind fail."""
    left = [mishap]
    stage.sides.mishap = lambda request: left.pop() if left and request.operation == operation else None


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (WireAnswer(401, "InvalidAuthenticationInfo"), FaultCode.SAS_REFUSED),
        (WireAnswer(403, "AuthenticationFailed"), FaultCode.SAS_REFUSED),
        (WireAnswer(403, "AuthorizationPermissionMismatch"), FaultCode.SAS_REFUSED),
        (WireAnswer(404, "ContainerNotFound"), FaultCode.DESTINATION_GONE),
        (WireAnswer(409, "ContainerBeingDeleted"), FaultCode.DESTINATION_GONE),
        (WireAnswer(409, "BlobImmutableDueToPolicy"), FaultCode.DESTINATION_IMMUTABLE),
        (WireAnswer(409, "BlobArchived"), FaultCode.SOURCE_BLOB_ARCHIVED),
        (
            WireAnswer(409, "CannotCopy", {"x-ms-copy-source-error-code": "BlobArchived"}),
            FaultCode.SOURCE_BLOB_ARCHIVED,
        ),
        (WireAnswer(400, "InvalidResourceName"), FaultCode.NAME_REFUSED),
        (WireAnswer(414), FaultCode.NAME_REFUSED),
        (WireAnswer(507), FaultCode.DESTINATION_FULL),
        (WireAnswer(409, "InvalidBlobType"), FaultCode.BLOB_TYPE_UNSUPPORTED),
        (WireAnswer(409, "PendingCopyOperation"), FaultCode.DESTINATION_UNAVAILABLE),
        (WireAnswer(409, "BlobAlreadyExists"), FaultCode.DESTINATION_EXISTS),
        (WireAnswer(412, "TargetConditionNotMet"), FaultCode.DESTINATION_EXISTS),
        (WireAnswer(412, "SourceConditionNotMet"), FaultCode.SOURCE_CHANGED),
        (WireAnswer(416, "InvalidRange"), FaultCode.SOURCE_CHANGED),
    ],
)
def test_a_final_refusal_is_told_by_its_code_after_one_request(
    stage: Stage, answer: WireAnswer, code: FaultCode
) -> None:
    always(stage, "Put Blob From URL", answer)
    fault = fault_of(stage)
    assert (fault.code, fault.retryable) == (code, False)
    assert stage.requests() == {"Put Blob From URL": 1}


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (WireAnswer(403, "AuthenticationFailed"), FaultCode.SOURCE_KEY_MISSING),
        (WireAnswer(404, "BlobNotFound"), FaultCode.SOURCE_BLOB_MISSING),
        (WireAnswer(409, "BlobArchived"), FaultCode.SOURCE_BLOB_ARCHIVED),
        (WireAnswer(412, "ConditionNotMet"), FaultCode.SOURCE_CHANGED),
        (WireAnswer(416, "InvalidRange"), FaultCode.SOURCE_CHANGED),
    ],
)
def test_a_refused_read_is_the_sources_fault(answer: WireAnswer, code: FaultCode) -> None:
    stage = Stage(gives_urls=False)
    always(stage, "Get Blob", answer)
    fault = fault_of(stage)
    assert (fault.code, fault.retryable) == (code, False)
    assert stage.requests() == {"Get Blob": 1}
    stage.close()


@pytest.mark.parametrize("answer", [None, WireAnswer(500, "InternalError"), WireAnswer(502), WireAnswer(504)])
def test_a_destination_that_is_away_is_tried_seven_times(stage: Stage, answer: WireAnswer | None) -> None:
    always(stage, "Put Blob From URL", answer)
    fault = fault_of(stage)
    assert (fault.code, fault.retryable) == (FaultCode.DESTINATION_UNAVAILABLE, True)
    assert stage.requests() == {"Put Blob From URL": 7}


def test_a_source_that_is_away_is_tried_seven_times() -> None:
    stage = Stage(gives_urls=False)
    always(stage, "Get Blob", None)
    fault = fault_of(stage)
    assert (fault.code, fault.retryable) == (FaultCode.SOURCE_UNAVAILABLE, True)
    assert stage.requests() == {"Get Blob": 7}
    stage.close()


@pytest.mark.parametrize(
    "answer",
    [
        WireAnswer(503, "ServerBusy"),
        WireAnswer(500, "OperationTimedOut"),
        WireAnswer(429, headers={"retry-after": "1"}),
        WireAnswer(429, headers={"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        WireAnswer(503),
        WireAnswer(502),
        WireAnswer(500, "InternalError"),
        WireAnswer(400, "CannotVerifyCopySource", {"x-ms-copy-source-status-code": "503"}),
        WireAnswer(409, "Anything", {"x-ms-copy-source-status-code": "429"}),
        None,
    ],
)
def test_a_passing_trouble_costs_one_more_request(stage: Stage, answer: WireAnswer | None) -> None:
    once(stage, "Put Blob From URL", Mishap(answer))
    state = stage.run(stage.order([stage.add_random("b", 10)]))
    assert state.done == {0}
    assert stage.requests() == {"Put Blob From URL": 2}


def test_a_destination_that_throttles_for_ever_is_given_up_in_time() -> None:
    stage = Stage(replace(FAST, patience_seconds=0.02))
    always(stage, "Put Blob From URL", WireAnswer(503, "ServerBusy"))
    fault = fault_of(stage)
    assert (fault.code, fault.retryable) == (FaultCode.DESTINATION_UNAVAILABLE, True)
    stage.close()


def test_a_bare_500_of_a_copy_that_has_worked_is_tried_again(stage: Stage) -> None:
    stage.run(stage.order([stage.add_random("first", 10)]))
    once(stage, "Put Blob From URL", Mishap(WireAnswer(500)))
    state = stage.run(stage.order([stage.add_random("second", 10)]))
    assert state.methods == {"put_from_url": 1}
    assert stage.requests() == {"Put Blob From URL": 3}


def test_a_bare_500_of_a_copy_that_never_worked_turns_to_the_next_way(stage: Stage) -> None:
    always(stage, "Put Blob From URL", WireAnswer(500))
    state = stage.run(stage.order([stage.add_random(f"b{number}", 10) for number in range(9)]))
    assert state.methods == {"copy_from_url": 9}
    assert stage.requests() == {"Put Blob From URL": 1, "Copy Blob From URL": 9}


def test_a_copy_scope_that_forbids_us_streams(stage: Stage) -> None:
    always(stage, "Put Blob From URL", WireAnswer(403, "AuthorizationFailure"))
    state = stage.run(stage.order([stage.add_random(f"b{number}", 10) for number in range(9)]))
    assert state.methods == {"stream": 9}
    assert stage.requests() == {"Put Blob From URL": 1, "Get Blob": 9, "Put Blob": 9}


def test_a_sas_that_has_ended_does_not_count_against_the_pair(stage: Stage) -> None:
    # Azurite says of an expired SAS what Azure says of a copy scope.
    stage.sides.mishap = lambda request: (
        Mishap(WireAnswer(403, "AuthorizationFailure")) if request.account == "target" else None
    )
    assert fault_of(stage).code == FaultCode.SAS_REFUSED
    stage.sides.mishap = lambda _: None
    state = stage.run(stage.order([stage.add_random("later", 10)]))
    assert state.methods == {"put_from_url": 1}


def test_a_source_that_is_gone_is_told_by_name(stage: Stage) -> None:
    blob = stage.add_random("b", 10)
    del stage.source_blobs["b"]
    with pytest.raises(EffectFailed, match="'b'") as failed:
        stage.run(stage.order([blob]))
    assert failed.value.fault.code == FaultCode.SOURCE_BLOB_MISSING
    assert stage.requests() == {"Put Blob From URL": 1, "Get Blob Properties": 1}


def test_one_failing_blob_among_many_keeps_what_was_done(stage: Stage) -> None:
    refused = Mishap(WireAnswer(400, "InvalidResourceName"))
    stage.sides.mishap = lambda request: refused if request.blob_name == "folder/b150" else None
    state = PageState()
    with pytest.raises(EffectFailed, match="b150"):
        stage.run(stage.order([stage.add_random(f"b{number}", 10) for number in range(300)]), state)
    assert 150 not in state.done
    assert {f"folder/b{index}" for index in state.done} == set(stage.arrived)
    assert stage.told[-1] == state


def test_tags_that_are_refused_are_left_out_and_counted() -> None:
    stage = Stage(sas="cwt")

    def mishap(request: MemoryRequest) -> Mishap | None:
        first = len(stage.cloud.requests) == 1
        return Mishap(WireAnswer(403, "AuthorizationPermissionMismatch")) if first else None

    stage.sides.mishap = mishap
    state = stage.run(stage.order([stage.add_random(f"b{n}", 10, tags={"a": "b"}) for n in range(9)]))
    assert state.not_kept == {"tags": 9}
    assert stage.requests() == {"Put Blob From URL": 10}
    stage.close()


def test_a_tier_that_the_account_has_not_is_left_out_and_counted(stage: Stage) -> None:
    once(stage, "Put Block List", Mishap(WireAnswer(400, "BlobAccessTierNotSupportedForAccountType")))
    state = stage.run(stage.order([stage.add_random("big", 99 * KIB, tier="Cool")]))
    assert state.not_kept == {"tier": 1}
    assert stage.arrived["folder/big"].tier is None


def test_append_blobs_that_cannot_be_copied_are_refused_before_anything_is(stage: Stage) -> None:
    stage.cloud.server_side -= {"Append Block From URL", "Put Page From URL"}
    blobs = [stage.add_random("b", 10), stage.add_random("a", 10, blob_type="AppendBlob")]
    with pytest.raises(EffectFailed, match="'a'") as failed:
        stage.run(stage.order(blobs))
    assert failed.value.fault.code == FaultCode.BLOB_TYPE_UNSUPPORTED
    assert not stage.arrived


def test_page_blobs_of_a_source_without_urls_are_refused_before_anything_is() -> None:
    stage = Stage(gives_urls=False)
    blobs = [stage.add_random("b", 10), stage.add_random("p", 512, blob_type="PageBlob")]
    with pytest.raises(EffectFailed, match="'p'") as failed:
        stage.run(stage.order(blobs))
    assert failed.value.fault.code == FaultCode.BLOB_TYPE_UNSUPPORTED
    assert not stage.requests("target")
    stage.close()
