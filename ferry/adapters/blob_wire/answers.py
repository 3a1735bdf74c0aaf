"""Reads HTTP/1.1 answers from the bytes of a connection, however they are cut.

The common answer, a head in one piece and a body of known length, costs a few searches in the bytes. RFC 9112, without
what a client never gets: pipelining, upgrades.
"""

from collections.abc import Callable
from enum import Enum, auto

from ferry.adapters.blob_wire.raw_answer import RawAnswer

HEAD_LIMIT_BYTES = 64 * 1024
_CHUNK_LINE_LIMIT_BYTES = 1024
_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"
_CODING = b"\r\ntransfer-encoding:"
_CONNECTION = b"\r\nconnection:"
_WITHOUT_BODY = frozenset({204, 304})
_HEX = frozenset(b"0123456789abcdefABCDEF")


class AnswerFault(Exception):
    """What came is no answer that can be read; the sentence says why and quotes nothing of it.

    `too_long` is the status of one whose body is longer than was expected.
    """

    def __init__(self, reason: str, *, too_long: int = 0) -> None:
        super().__init__(reason)
        self.too_long = too_long


class _State(Enum):
    IDLE = auto()
    HEAD = auto()
    LENGTH = auto()
    CHUNK_LINE = auto()
    CHUNK = auto()
    CHUNK_END = auto()
    TRAILERS = auto()
    UNTIL_CLOSE = auto()


class AnswerReader:
    """Reads the answers of one connection, one after another: `begin`, then `feed` until it gives the answer.

    `keeps_alive` says after an answer whether the connection may be used again.
    """

    __slots__ = (
        *("_buffer", "_head", "_is_head", "_left", "_limit", "_parts", "_sink", "_state", "_status"),
        "keeps_alive",
    )

    def __init__(self) -> None:
        self._state = _State.IDLE
        self._buffer = b""
        self._parts: list[bytes] = []
        self._sink: Callable[[RawAnswer, bytes], None] | None = None
        self._head: RawAnswer | None = None
        self._is_head = False
        self._left = self._limit = self._status = 0
        self.keeps_alive = True

    def begin(
        self, *, is_head: bool = False, limit_bytes: int = 0, sink: Callable[[RawAnswer, bytes], None] | None = None
    ) -> None:
        """Expect the answer to a request. A body over `limit_bytes` is a fault; a sink takes that of a 2xx instead."""
        self._state = _State.HEAD
        self._buffer = b""
        self._parts.clear()
        self._sink = sink
        self._is_head = is_head
        self._limit = limit_bytes

    @property
    def has_head(self) -> bool:
        """Whether the head of the answer is here and its body is not yet."""
        return self._state not in (_State.IDLE, _State.HEAD)

    def feed(self, data: bytes) -> RawAnswer | None:
        """Take what came; the answer once it is complete. Raises AnswerFault."""
        if self._buffer:
            data = self._buffer + data
            self._buffer = b""
        while True:
            state = self._state
            if state is _State.HEAD:
                end = data.find(_END)
                if end < 0:
                    return self._keep(data, HEAD_LIMIT_BYTES, "its headers are too long")
                body_at = end + 4
                if end > HEAD_LIMIT_BYTES:
                    raise AnswerFault("its headers are too long")
                rest = data[body_at:] if len(data) > body_at else b""
                if not self._read_head(data[:end]):
                    data = rest
                    continue
                if self._state is _State.LENGTH and len(rest) >= self._left:
                    return self._whole(rest)
                if not rest:
                    return None
                data = rest
            elif state is _State.IDLE:
                raise AnswerFault("it sent something that was not asked for")
            else:
                return self._feed_body(data)

    def end(self) -> RawAnswer | None:
        """The connection ended properly: the answer, if that is how it ends. Raises AnswerFault if it was cut off."""
        self.keeps_alive = False
        if self._state is _State.IDLE:
            return None
        if self._state is _State.UNTIL_CLOSE:
            return self._done(b"")
        if self._state is _State.HEAD and not self._buffer:
            raise AnswerFault("it closed the connection without an answer")
        raise AnswerFault("it closed the connection in the middle of its answer")

    def _read_head(self, head: bytes) -> bool:
        """Learn from the head what follows; False for an interim answer, after which another one comes."""
        if not (head.startswith(b"HTTP/1.") and len(head) >= 12 and head[8:9] == b" "):
            raise AnswerFault("its answer is not HTTP/1.1")
        code = head[9:12]
        if not code.isdigit() or head[12:13] not in (b"", b" ", b"\r"):
            raise AnswerFault("its answer has no status")
        status = int(code)
        if status < 200:
            if status < 100 or status == 101:
                raise AnswerFault("its answer has no status that was asked for")
            return False
        lowered = head.lower()
        self._status = status
        self._head = RawAnswer(status, head, b"")
        self.keeps_alive = _keeps_alive(lowered)
        coding = lowered.find(_CODING)
        length_at = lowered.find(_LENGTH)
        if self._is_head or status in _WITHOUT_BODY:
            self._left, self._state = 0, _State.LENGTH
        elif coding >= 0:
            self._expect_coded(lowered, coding, length_at)
        elif length_at >= 0:
            self._left, self._state = _length(lowered, length_at), _State.LENGTH
            if self._left > self._limit and (self._sink is None or status >= 300):
                raise AnswerFault("its answer is longer than expected", too_long=status)
        else:
            self.keeps_alive, self._state = False, _State.UNTIL_CLOSE
        return True

    def _expect_coded(self, lowered: bytes, at: int, length_at: int) -> None:
        if _value(lowered, at + len(_CODING)) != b"chunked" or lowered.find(_CODING, at + 1) >= 0 or length_at >= 0:
            raise AnswerFault("the length of its answer is not clear")
        self._state = _State.CHUNK_LINE
        self._left = 0

    def _whole(self, rest: bytes) -> RawAnswer:
        """A body that has arrived with its head."""
        left = self._left
        if len(rest) > left:
            # More than was asked for: whatever it is, it answers nothing.
            self.keeps_alive = False
            rest = rest[:left]
        self._left = 0
        return self._done(rest)

    def _feed_body(self, data: bytes) -> RawAnswer | None:
        state = self._state
        if state is _State.LENGTH:
            if len(data) >= self._left:
                return self._whole(data)
            self._left -= len(data)
            self._take(data)
            return None
        if state is _State.UNTIL_CLOSE:
            self._take(data)
            return None
        return self._feed_chunks(data)

    def _feed_chunks(self, data: bytes) -> RawAnswer | None:
        at = 0
        while True:
            state = self._state
            if state is _State.CHUNK:
                piece = data[at : at + self._left] if at or len(data) > self._left else data
                if piece:
                    self._take(piece)
                at += len(piece)
                self._left -= len(piece)
                if self._left:
                    return None
                self._state = _State.CHUNK_END
                continue
            line_end = data.find(b"\r\n", at)
            if line_end < 0:
                limit = HEAD_LIMIT_BYTES if state is _State.TRAILERS else _CHUNK_LINE_LIMIT_BYTES
                return self._keep(data[at:], limit, "its chunks cannot be read")
            if self._read_line(data[at:line_end]):
                self.keeps_alive = self.keeps_alive and line_end + 2 == len(data)
                return self._done(b"")
            at = line_end + 2

    def _read_line(self, line: bytes) -> bool:
        """A line between chunks or behind the last one; whether the answer ends with it."""
        if self._state is _State.TRAILERS:
            self._left += len(line)
            if self._left > HEAD_LIMIT_BYTES:
                raise AnswerFault("its trailers are too long")
            return not line
        if self._state is _State.CHUNK_END:
            if line:
                raise AnswerFault("its chunks cannot be read")
            self._state = _State.CHUNK_LINE
        else:
            self._left = _chunk_length(line)
            self._state = _State.CHUNK if self._left else _State.TRAILERS
        return False

    def _take(self, piece: bytes) -> None:
        if self._sink is not None and self._status < 300 and self._head is not None:
            self._sink(self._head, piece)
            return
        self._limit -= len(piece)
        if self._limit < 0:
            raise AnswerFault("its answer is longer than expected", too_long=self._status)
        self._parts.append(piece)

    def _keep(self, data: bytes, limit_bytes: int, fault: str) -> None:
        if len(data) > limit_bytes:
            raise AnswerFault(fault)
        self._buffer = data

    def _done(self, last: bytes) -> RawAnswer:
        if last and (self._parts or self._sink is not None):
            self._take(last)
            last = b""
        answer = self._head
        if answer is None:
            raise AnswerFault("its answer has no head")
        answer.body = b"".join(self._parts) if self._parts else last
        self._parts.clear()
        self._state, self._head, self._sink = _State.IDLE, None, None
        return answer


def _keeps_alive(lowered: bytes) -> bool:
    at = lowered.find(_CONNECTION)
    if at < 0:
        return not lowered.startswith(b"http/1.0")
    return b"keep-alive" in _value(lowered, at + len(_CONNECTION))


def _value(lowered: bytes, at: int) -> bytes:
    end = lowered.find(b"\r\n", at)
    return (lowered[at:end] if end >= 0 else lowered[at:]).strip(b" \t")


def _length(lowered: bytes, at: int) -> int:
    digits = _value(lowered, at + len(_LENGTH))
    if not digits.isdigit() or len(digits) > 18 or lowered.find(_LENGTH, at + 1) >= 0:
        raise AnswerFault("the length of its answer is not clear")
    return int(digits)


def _chunk_length(line: bytes) -> int:
    digits = line.partition(b";")[0].strip(b" \t")
    if not digits or len(digits) > 15 or not _HEX.issuperset(digits):
        raise AnswerFault("its chunks cannot be read")
    return int(digits, 16)
