"""The stand-in as a process: bytes over a socket, plain and over TLS, faults on the wire, what it counts."""

import http.client
import ssl
from urllib.parse import urlsplit

import pytest

from bench.standin.behaviour import Behaviour
from bench.standin.content import Recognition
from bench.standin.running import StandIn, running_stand_in

pytestmark = pytest.mark.emulators
MIB = 2**20


def get(service: StandIn, number: int = 0) -> tuple[int, bytes]:
    """One blob of the source on a connection of its own. Raises OSError, IncompleteRead."""
    address = urlsplit(service.source_url)
    target = f"{address.path}/blob-{number:09d}.bin?{address.query}"
    if service.bundle_path is None:
        connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    else:
        context = ssl.create_default_context(cafile=str(service.bundle_path))
        connection = http.client.HTTPSConnection("127.0.0.1", service.port, timeout=20, context=context)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@pytest.mark.parametrize("is_tls", [False, True])
def test_blob_of_many_pieces_arrives_whole(is_tls: bool) -> None:
    with running_stand_in(Behaviour(blobs=1, sizes=(5 * MIB,), is_tls=is_tls)) as service:
        status, content = get(service)
        recognition = Recognition()
        recognition.feed(content)
        assert (status, len(content)) == (200, 5 * MIB)
        assert recognition.extent() is not None
        assert service.stats()["requests"] == {"source Get Blob": 1}


@pytest.mark.parametrize("fault", ["reset-before", "reset-after", "reset-within", "cut"])
def test_fault_on_the_wire_leaves_no_whole_answer(fault: str) -> None:
    with running_stand_in(Behaviour(blobs=1, sizes=(MIB,), fault_share=1.0, faults=(fault,))) as service:
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            get(service)
        assert service.stats()["faults"] == {fault: 1}


def test_bare_error_has_neither_code_nor_body() -> None:
    with running_stand_in(Behaviour(blobs=1, sizes=(MIB,), fault_share=1.0, faults=("500",))) as service:
        assert get(service) == (500, b"")
        assert service.stats()["answers"] == {"Get Blob 500": 1}


def test_request_over_the_limit_is_refused_with_a_code() -> None:
    with running_stand_in(Behaviour(blobs=1, sizes=(16,), requests_rate=10.0)) as service:
        statuses = [get(service)[0] for _ in range(4)]
        assert statuses[0] == 200
        assert 503 in statuses
        assert service.stats()["answers"]["Get Blob 503 ServerBusy"] == statuses.count(503)


def test_blob_that_is_changed_by_command_is_another_one() -> None:
    with running_stand_in(Behaviour(blobs=1, sizes=(64,))) as service:
        before = get(service)
        service.change("blob-000000000.bin")
        assert get(service) != before
