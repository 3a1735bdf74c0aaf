"""The account of storage requests, fed with lines as the observer script writes them."""

import json
from collections.abc import Mapping
from typing import Any

from ferry.emulators.request_log import OWN_USER_AGENT, RequestLog, StorageRequest, parse_line


def _line(**changes: object) -> Mapping[str, Any]:
    line: dict[str, Any] = {
        "azuriteRequest": 1,
        "at": 1_795_404_607.025,
        "port": 10000,
        "method": "PUT",
        "path": "/acc/con/a%20b",
        "restype": None,
        "comp": None,
        "peekOnly": False,
        "credential": "sas",
        "copySource": False,
        "blobType": "BlockBlob",
        "copySynchronously": False,
        "userAgent": "azsdk-python-storage-blob",
        "receivedBytes": 5,
        "sentBytes": None,
        "status": 201,
        "etag": '"0x1"',
        "milliseconds": 2.5,
    }
    return line | changes


def test_line_of_the_observer_is_parsed() -> None:
    line = _line()
    assert parse_line(json.dumps(line, separators=(",", ":"))) == line


def test_other_output_is_no_record() -> None:
    assert parse_line("Azurite Blob service is starting at http://127.0.0.1:0") is None


def test_recorded_request_has_operation_and_account() -> None:
    log = RequestLog()
    log.record(_line(), "blob")
    [request] = log.since()
    assert (request.operation, request.account, request.received_bytes) == ("Put Blob", "acc", 5)
    assert request.duration_seconds == 0.0025


def test_counts_since_a_sequence_leave_out_what_came_before() -> None:
    log = RequestLog()
    log.record(_line(), "blob")
    before = log.last_sequence
    log.record(_line(), "blob")
    log.record(_line(), "blob")
    [count] = log.counts(before)
    assert (count.account, count.service, count.operation, count.count) == ("acc", "blob", "Put Blob", 2)


def test_cleared_log_keeps_its_numbering() -> None:
    log = RequestLog()
    log.record(_line(), "blob")
    log.clear()
    log.record(_line(), "blob")
    assert [request.sequence for request in log.since()] == [2]


def test_request_of_the_emulators_themselves_is_not_counted() -> None:
    log = RequestLog()
    log.record(_line(userAgent=f"{OWN_USER_AGENT} azsdk-python"), "blob")
    assert log.since() == []


def test_source_read_of_a_copy_is_told_apart() -> None:
    log = RequestLog()
    log.record(_line(method="GET", blobType=None, userAgent="axios/1.21.1"), "blob")
    assert log.since()[0].is_copy_source_read


def test_observer_hears_of_later_requests() -> None:
    log = RequestLog()
    heard: list[StorageRequest] = []
    log.record(_line(), "blob")
    log.observe(heard.append)
    log.record(_line(), "blob")
    assert [request.sequence for request in heard] == [2]
