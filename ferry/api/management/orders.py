"""What the orders of a client have in common: whom they go to, under which key they may be repeated, why they end.

Starting a negotiation or a transfer twice with one `Idempotency-Key` starts it once. (Design: duplicates from outside.)
"""

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from ferry.api.http import ApiRequest
from ferry.api.management.body import BodyReader, load_body
from ferry.api.management.errors import KeyReused
from ferry.domain.decision import Command, CommandKind
from ferry.domain.faults import AlreadyExists, EffectFailed, FaultCode, InvalidInput
from ferry.domain.policy import PURPOSE
from ferry.domain.process import JsonObject
from ferry.protocol.paths import is_base
from ferry.protocol.purpose import PURPOSE_LIMIT
from ferry.protocol.terms import DSP_PROTOCOL

ORDER_NAMESPACE = uuid.UUID("b0a4d3f6-2c55-5f0e-8a51-6f1f0d9b7e24")
KEY_HEADER = "idempotency-key"
ADDRESS_LIMIT = 2048
REASON_LIMIT = 1000

_KEY = re.compile(r"[\x21-\x7e]{1,256}")

type CheckAddress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RepeatKey:
    """Under which id an order begins its process, and the digest that tells the same order from another one.

    Without an `Idempotency-Key` there is neither.
    """

    process_id: str | None = None
    digest: str = ""


def repeat_key(request: ApiRequest, body: JsonObject, *, participant_id: str, kind: str) -> RepeatKey:
    """What the request's `Idempotency-Key` stands for. Raises InvalidInput where it cannot be one."""
    key = request.headers.get(KEY_HEADER)
    if key is None:
        return RepeatKey()
    if not _KEY.fullmatch(key):
        raise InvalidInput.at("Idempotency-Key", "has 1 to 256 visible ASCII characters")
    said = json.dumps(body, sort_keys=True, separators=(",", ":"))
    process_id = uuid.uuid5(ORDER_NAMESPACE, f"{participant_id}\n{kind}\n{key}")
    return RepeatKey(str(process_id), hashlib.sha256(said.encode()).hexdigest())


def begun[T](key: RepeatKey, begin: Callable[[], T]) -> T:
    """What `begin` gives. Raises KeyReused where the key's process was begun by another order."""
    try:
        return begin()
    except AlreadyExists as error:
        if key.process_id is None:
            raise
        raise KeyReused(error.kind, key.process_id) from error


def read_counter_party_address(reader: BodyReader, check: CheckAddress) -> str:
    """Where the counter-party's protocol endpoints are, without a slash at the end; faults go to the reader."""
    protocol = reader.text("protocol")
    if protocol and protocol != DSP_PROTOCOL:
        reader.fault("protocol", f"is not supported; use {DSP_PROTOCOL}", protocol)
    address = reader.text("counterPartyAddress", limit=ADDRESS_LIMIT)
    if not is_base(address):
        reader.fault("counterPartyAddress", "must have no query, no fragment and no user: paths are appended to it")
        return ""
    check_url(reader, "counterPartyAddress", address, check)
    return address.rstrip("/")


def check_url(reader: BodyReader, name: str, url: str, check: CheckAddress) -> None:
    """Note a fault where the URL must not be called; a host that merely has no address now is no fault of a request."""
    if not url:
        return
    if not url.lower().startswith(("http://", "https://")):
        reader.fault(name, "must be an http(s) URL", url)
        return
    try:
        check(url)
    except EffectFailed as error:
        if error.fault.code == FaultCode.ADDRESS_FORBIDDEN:
            reader.fault(name, f"is forbidden: {error.fault.message}", url)


def read_purpose(reader: BodyReader) -> str | None:
    """What the client wants the data for, which the provider is told and its policies can be about."""
    return reader.text(PURPOSE, required=False, limit=PURPOSE_LIMIT) or None


def termination(request: ApiRequest) -> Command:
    """The order to end a process, with the reason that the body gives, if any."""
    return reasoned(request, CommandKind.TERMINATE)


def reasoned(request: ApiRequest, kind: CommandKind) -> Command:
    """An order with the reason that the body gives, if any."""
    reader = BodyReader(load_body(request, optional=True))
    reason = reader.text("reason", required=False, limit=REASON_LIMIT)
    reader.finish()
    return Command(kind, reason)
