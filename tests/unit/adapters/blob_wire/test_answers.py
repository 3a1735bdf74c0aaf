"""The reader of HTTP answers: any cut of the bytes gives the same answers, and no bytes make it wait for ever."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.adapters.blob_wire.answers import HEAD_LIMIT_BYTES, AnswerFault, AnswerReader
from ferry.adapters.blob_wire.raw_answer import RawAnswer

LIMIT = 10_000


@dataclass(frozen=True)
class Wired:
    """An answer as bytes, and as what is to be read from it."""

    sent: bytes
    status: int
    body: bytes
    is_head: bool = False


def with_length(status: int, body: bytes, *, is_head: bool = False, interim: bool = False) -> Wired:
    head = f'HTTP/1.1 {status} Some Words\r\nServer: x\r\nContent-Length: {len(body)}\r\nETag: "1"\r\n\r\n'
    before = b"HTTP/1.1 100 Continue\r\n\r\n" if interim else b""
    has_no_body = is_head or status in (204, 304)
    shown = b"" if has_no_body else body
    return Wired(before + head.encode() + shown, status, shown, is_head)


def chunked(status: int, chunks: list[bytes], trailer: str) -> Wired:
    coded = b"".join(f"{len(chunk):X};x=y\r\n".encode() + chunk + b"\r\n" for chunk in chunks)
    head = f"HTTP/1.1 {status} OK\r\ntransfer-encoding:  chunked \r\n\r\n".encode()
    return Wired(head + coded + b"0\r\n" + trailer.encode() + b"\r\n", status, b"".join(chunks))


answers = st.one_of(
    st.builds(
        with_length,
        st.sampled_from([200, 201, 202, 204, 206, 304, 403, 404, 412, 503]),
        st.binary(max_size=300),
        is_head=st.booleans(),
        interim=st.booleans(),
    ),
    st.builds(
        chunked,
        st.sampled_from([200, 206, 409]),
        st.lists(st.binary(min_size=1, max_size=80), max_size=5),
        st.sampled_from(["", "x-checked: 1\r\n"]),
    ),
)


def pieces(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    at = 0
    for size in cuts:
        if at >= len(data):
            return
        yield data[at : at + size]
        at += size
    if at < len(data):
        yield data[at:]


def read(reader: AnswerReader, data: bytes, cuts: list[int]) -> RawAnswer | None:
    for piece in pieces(data, cuts):
        answer = reader.feed(piece)
        if answer is not None:
            return answer
    return None


def one(sent: bytes, *, is_head: bool = False, limit_bytes: int = LIMIT) -> RawAnswer | None:
    reader = AnswerReader()
    reader.begin(is_head=is_head, limit_bytes=limit_bytes)
    return reader.feed(sent)


@given(st.lists(st.tuples(answers, st.lists(st.integers(1, 40), max_size=60)), min_size=1, max_size=4))
def test_answers_cut_anywhere_are_read_alike(exchanges: list[tuple[Wired, list[int]]]) -> None:
    reader = AnswerReader()
    for wired, cuts in exchanges:
        reader.begin(is_head=wired.is_head, limit_bytes=LIMIT)
        answer = read(reader, wired.sent, cuts)
        assert answer is not None
        assert (answer.status, answer.body, reader.keeps_alive) == (wired.status, wired.body, True)


@given(answers, st.lists(st.integers(1, 40), max_size=60))
def test_sink_gets_the_body_of_a_success_and_no_other(wired: Wired, cuts: list[int]) -> None:
    taken = bytearray()
    reader = AnswerReader()
    reader.begin(is_head=wired.is_head, limit_bytes=LIMIT, sink=lambda _, piece: taken.extend(piece))
    answer = read(reader, wired.sent, cuts)
    assert answer is not None
    assert (bytes(taken), answer.body) == ((wired.body, b"") if wired.status < 300 else (b"", wired.body))


@given(answers, st.data())
def test_answer_that_is_cut_off_is_never_taken_for_a_whole_one(wired: Wired, data: st.DataObject) -> None:
    reader = AnswerReader()
    reader.begin(is_head=wired.is_head, limit_bytes=LIMIT)
    cut = data.draw(st.integers(0, len(wired.sent) - 1))
    assert reader.feed(wired.sent[:cut]) is None
    with pytest.raises(AnswerFault):
        reader.end()


@given(st.binary(max_size=400), st.lists(st.integers(1, 40), max_size=60))
def test_garbage_ends_with_an_answer_a_fault_or_the_connection(garbage: bytes, cuts: list[int]) -> None:
    reader = AnswerReader()
    reader.begin(limit_bytes=100)
    try:
        answer = read(reader, b"HTTP/1.1 200 OK\r\n" + garbage, cuts) or reader.end()
    except AnswerFault:
        return
    assert answer is not None


@given(st.binary(max_size=200), st.lists(st.integers(1, 40), max_size=60))
def test_garbage_for_chunks_ends_with_an_answer_or_a_fault(garbage: bytes, cuts: list[int]) -> None:
    reader = AnswerReader()
    reader.begin(limit_bytes=100)
    try:
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = read(reader, head + garbage, cuts) or reader.end()
    except AnswerFault:
        return
    assert answer is not None


def test_body_without_a_length_lasts_until_the_connection_ends() -> None:
    reader = AnswerReader()
    reader.begin(limit_bytes=LIMIT)
    assert reader.feed(b"HTTP/1.0 200 OK\r\n\r\nabc") is None
    assert reader.feed(b"def") is None
    answer = reader.end()
    assert answer is not None
    assert (answer.body, reader.keeps_alive) == (b"abcdef", False)


@pytest.mark.parametrize(
    ("line", "keeps"),
    [("Connection: close", False), ("connection: Keep-Alive", True), ("X: y", True), ("CONNECTION:close", False)],
)
def test_connection_is_kept_unless_the_answer_says_otherwise(line: str, keeps: bool) -> None:
    reader = AnswerReader()
    reader.begin(limit_bytes=LIMIT)
    assert reader.feed(f"HTTP/1.1 201 Created\r\n{line}\r\nContent-Length: 0\r\n\r\n".encode()) is not None
    assert reader.keeps_alive is keeps


def test_answer_of_http_1_0_closes_the_connection() -> None:
    reader = AnswerReader()
    reader.begin(limit_bytes=LIMIT)
    reader.feed(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert not reader.keeps_alive


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 2000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 20_000,
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * HEAD_LIMIT_BYTES + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * HEAD_LIMIT_BYTES,
    ],
)
def test_answer_that_is_not_clear_is_a_fault(sent: bytes) -> None:
    with pytest.raises(AnswerFault):
        one(sent)


@pytest.mark.parametrize(
    "sent",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n12345678901",
    ],
)
def test_body_over_the_limit_is_a_fault_that_tells_the_status(sent: bytes) -> None:
    with pytest.raises(AnswerFault) as caught:
        one(sent, limit_bytes=10)
    assert caught.value.too_long == 200


def test_bytes_behind_an_answer_end_the_connection() -> None:
    reader = AnswerReader()
    reader.begin(limit_bytes=LIMIT)
    answer = reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\n")
    assert answer is not None
    assert (answer.body, reader.keeps_alive) == (b"ab", False)


def test_bytes_that_nobody_asked_for_are_a_fault() -> None:
    with pytest.raises(AnswerFault):
        AnswerReader().feed(b"HTTP/1.1 408 Request Timeout\r\n\r\n")


def test_headers_are_found_by_lower_case_name_and_the_first_counts() -> None:
    answer = one(b"HTTP/1.1 200 OK\r\nX-A:  1 \r\nx-a: 2\r\nno colon\r\nContent-Length: 0\r\n\r\n")
    assert answer is not None
    assert dict(answer.headers) == {"x-a": "1", "content-length": "0"}
