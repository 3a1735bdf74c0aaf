"""One connection: reads requests, lets their time pass, meets their faults, writes their answers."""

import asyncio
import json
from collections import deque
from typing import cast

from bench.standin.behaviour import Behaviour
from bench.standin.content import cut, piece
from bench.standin.counts import Counts
from bench.standin.http import Answer, Body, Head, head_bytes, refusal
from bench.standin.limits import Allowance, Mishaps
from bench.standin.orders import UPLOADS, Order, understood
from bench.standin.service import Service
from bench.standin.source import now as http_time
from bench.standin.written import Foreign, Part

_PIECE_BYTES = 256 * 1024
_STATUS_OF = {"500": 500, "503": 503}
_BEFORE = frozenset({"500", "503", "reset-before"})


class Desk:
    """What all connections share."""

    def __init__(self, behaviour: Behaviour, loop: asyncio.AbstractEventLoop) -> None:
        self.behaviour = behaviour
        self.loop = loop
        self.service = Service(behaviour)
        self.counts = Counts()
        self.mishaps = Mishaps(behaviour)
        self._allowances: dict[str, Allowance] = {}

    def admits(self, account: str, now: float) -> bool:
        """Whether the limit of an account leaves room for one more request."""
        if not self.behaviour.requests_rate:
            return True
        if account not in self._allowances:
            self._allowances[account] = Allowance(self.behaviour.requests_rate)
        return self._allowances[account].admits(now)

    def told(self, head: Head) -> Answer:
        """What is asked of the stand-in itself; `running.StandIn` asks it."""
        what, rest = head.account, "/".join(it for it in (head.container, head.name) if it)
        if what == "stats":
            return _json(self.counts.to_json())
        if what == "verdict":
            return _json(self.service.container(rest).verdict(self.service.source))
        if what == "writes":
            return _json(self.service.container(rest).writes())
        if what == "mark":
            return _json({"staged": self.service.container(rest).mark()})
        if what == "staged":
            return _json({"bytes": self.service.container(rest).staged_bytes})
        number = self.service.source.number(rest)
        if what != "change" or number is None:
            return refusal(404, "ResourceNotFound")
        self.service.source.change(number)
        return _json({"changed": rest})


OWN_PATHS = frozenset({"stats", "verdict", "writes", "mark", "staged", "change"})


def _json(value: object) -> Answer:
    return Answer(200, {"Content-Type": "application/json"}, json.dumps(value).encode())


class Connection(asyncio.Protocol):
    """Answers one request after the other."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._unread = b""
        self._order: Order | None = None
        self._body: Body | None = None
        self._is_busy = False
        self._unsent: deque[Part] = deque()
        self._ends_after_sending = False
        self._may_send = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody is there."""
        self._transport = cast("asyncio.Transport", transport)
        self._desk.counts.connections += 1

    def data_received(self, data: bytes) -> None:
        """Bytes came: of a body, or of a head."""
        self._desk.counts.bytes_received += len(data)
        if self._body is not None and self._body.left:
            if len(data) > self._body.left:
                self._unread, data = data[self._body.left :], data[: self._body.left]
            self._body.feed(data)
            if not self._body.left:
                self._accept()
            return
        self._unread = self._unread + data if self._unread else data
        if not self._is_busy:
            self._read_head()

    def pause_writing(self) -> None:
        """The client is slower than we are."""
        self._may_send = False

    def resume_writing(self) -> None:
        """It can take more."""
        self._may_send = True
        self._send_more()

    def _read_head(self) -> None:
        end = self._unread.find(b"\r\n\r\n")
        if end < 0:
            return
        head = Head(self._unread[:end])
        rest = self._unread[end + 4 :]
        self._unread = b""
        self._is_busy = True
        if head.account in OWN_PATHS:
            self._send(head, self._desk.told(head))
            return
        self._order = order = understood(head)
        self._body = None
        if head.size_bytes:
            self._body = Body(head.size_bytes, is_hashed=order.operation in UPLOADS)
            if (head.get("expect") or "").lower() == "100-continue":
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            if rest:
                self._body.feed(rest[: head.size_bytes])
                rest = rest[head.size_bytes :]
        self._unread = rest
        if self._body is None or not self._body.left:
            self._accept()

    def _accept(self) -> None:
        """All of a request is there."""
        order, desk = cast("Order", self._order), self._desk
        moment = desk.loop.time()
        desk.counts.arrived(order.head.account, order.operation, moment)
        behaviour = desk.behaviour
        if not desk.admits(order.head.account, moment):
            wait = {"Retry-After": str(behaviour.retry_after_seconds)} if behaviour.retry_after_seconds else None
            self._finish(order, refusal(behaviour.limit_status, "ServerBusy", wait))
            return
        seconds, moved = behaviour.latency_seconds, desk.service.moved_bytes(order)
        if behaviour.bytes_rate:
            seconds += moved / behaviour.bytes_rate
        if seconds:
            desk.loop.call_later(seconds, self._carry_out, order, self._body)
        else:
            self._carry_out(order, self._body)

    def _carry_out(self, order: Order, body: Body | None) -> None:
        """Its time has passed. A client that has gone meanwhile does not undo what it asked for."""
        fault = self._desk.mishaps.draw()
        if fault is not None:
            self._desk.counts.faults[fault] += 1
        if fault in _STATUS_OF:
            self._finish(order, refusal(_STATUS_OF[fault], ""))
            return
        answer = None if fault in _BEFORE else self._desk.service.answer(order, body)
        if answer is None or fault == "reset-after":
            self._desk.counts.answered(order.operation, 0, fault or "")
            self._transport.abort()
            return
        self._finish(order, answer, fault=fault)

    def _finish(self, order: Order, answer: Answer, *, fault: str | None = None) -> None:
        self._desk.counts.answered(order.operation, answer.status, answer.code)
        if self._transport.is_closing():
            return
        if fault is None:
            self._send(order.head, answer)
            return
        # Half of what was announced, and then the end: of the connection's, or as if all had been said.
        whole = head_bytes(answer, http_time()) + answer.body
        for part in answer.parts:
            whole += piece(part.position, part.size_bytes // 2) if not isinstance(part, Foreign) else b""
        if not answer.parts:
            whole = whole[: len(whole) // 2 + 1]
        self._transport.write(whole)
        if fault == "cut":
            self._transport.close()
        else:
            self._desk.loop.call_later(0.002, self._transport.abort)

    def _send(self, head: Head, answer: Answer) -> None:
        first = head_bytes(answer, http_time())
        is_bodiless = answer.has_no_body or head.method == "HEAD"
        self._transport.write(first if is_bodiless else first + answer.body)
        self._desk.counts.bytes_sent += len(first)
        if answer.parts and not is_bodiless:
            self._unsent.extend(answer.parts)
            self._send_more()
        else:
            self._next()

    def _send_more(self) -> None:
        """As much of a body as the client takes."""
        while self._unsent and self._may_send and not self._transport.is_closing():
            part = self._unsent.popleft()
            if isinstance(part, Foreign):
                content: bytes | memoryview = part.content
            else:
                content = piece(part.position, min(part.size_bytes, _PIECE_BYTES))
                if (left := part.size_bytes - len(content)) > 0:
                    self._unsent.appendleft(cut(part, len(content), left))
            self._desk.counts.bytes_sent += len(content)
            self._transport.write(content)
            if not self._unsent:
                self._next()

    def _next(self) -> None:
        self._is_busy = False
        self._order = self._body = None
        if self._unread:
            self._read_head()
