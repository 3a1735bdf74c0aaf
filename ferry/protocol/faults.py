"""A Fault as code and reasons of a termination message, and back.

The code is our FaultCode; the reasons are a sentence, the step and whether a retry may help. From others we take
whatever they write, as text without signatures. (Design: step "failure" of the flow.)
"""

import json
import re
from collections.abc import Sequence

from ferry.domain.faults import Fault, FaultCode
from ferry.domain.process import Json, JsonObject
from ferry.telemetry import redacted

REASON_LIMIT = 2000

_STEP = re.compile(r"step: (\d{1,2})")
_RETRY = re.compile(r"retry: (yes|no)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def fault_parts(fault: Fault) -> tuple[str, list[str]]:
    """Code and reasons for a message that ends something because of this fault."""
    reasons = [fault.message or fault.code]
    if fault.step is not None:
        reasons.append(f"step: {fault.step}")
    return fault.code, [*reasons, f"retry: {'yes' if fault.retryable else 'no'}"]


def read_fault(message: JsonObject) -> Fault:
    """What a peer's termination says: with its code if it is one of ours, else PEER_TERMINATED."""
    said = reason_texts(message.get("reason"))
    code = code_text(message.get("code"))
    if code not in FaultCode.__members__:
        sentence = "; ".join(said) or "the peer gave no reason"
        return Fault(FaultCode.PEER_TERMINATED, f"{sentence} (code {code})" if code else sentence)
    steps = [int(match[1]) for text in said if (match := _STEP.fullmatch(text))]
    retries = [match[1] for text in said if (match := _RETRY.fullmatch(text))]
    sentence = "; ".join(text for text in said if not _STEP.fullmatch(text) and not _RETRY.fullmatch(text))
    step = next((step for step in steps if 1 <= step <= 18), None)
    return Fault(FaultCode(code), sentence or code, "yes" in retries, step)


def code_text(code: Json) -> str:
    """A code as text; empty where there is none."""
    return _clean(str(code))[:64] if isinstance(code, str | int) and not isinstance(code, bool) else ""


def reason_texts(reason: Json) -> list[str]:
    """Reasons as texts: strings as they are, anything else as JSON; together at most REASON_LIMIT characters."""
    if reason is None:
        return []
    items = reason if isinstance(reason, Sequence) and not isinstance(reason, str) else [reason]
    texts = [_clean(item if isinstance(item, str) else json.dumps(item, sort_keys=True)) for item in items]
    kept: list[str] = []
    left = REASON_LIMIT
    for text in filter(None, texts):
        if left <= 0:
            break
        kept.append(text[:left])
        left -= len(text)
    return kept


def _clean(text: str) -> str:
    return redacted(_CONTROL.sub(" ", text)).strip()
