"""What every management handler does: let the right caller in, bound the body, turn what is raised into EDC's errors.

An error is a JSON array of `{message, type, path, invalidValue}`, one entry for each fault; its `Link` leads to the
page that explains it. (Design: wire; EDC's API.)
"""

import logging
from collections.abc import Callable
from dataclasses import replace

from ferry.api.http import ApiAnswer, ApiRequest, BodyTooLarge, Forbidden, check_size
from ferry.api.management.access import Access, MissingScope, Need
from ferry.api.management.help import help_header
from ferry.domain.faults import AlreadyExists, EffectFailed, FaultCode, IllegalTransition, InvalidInput, NotFound
from ferry.domain.process import Json
from ferry.telemetry import redacted

log = logging.getLogger("ferry.management")

RETRY_AFTER_SECONDS = 2

type Handler = Callable[[ApiRequest], ApiAnswer]

_PEER_CODES = frozenset({FaultCode.PEER_UNREACHABLE.value, FaultCode.PEER_REFUSED.value})
_ADDRESS_CODES = frozenset({FaultCode.ADDRESS_INVALID.value, FaultCode.ADDRESS_FORBIDDEN.value})


class InUse(AlreadyExists):
    """It cannot be deleted, for something else refers to it (HTTP 409)."""

    def __init__(self, kind: str, taken_id: str, by_what: str) -> None:
        super().__init__(kind, taken_id)
        self.by_what = by_what

    def __str__(self) -> str:
        return f"{self.kind} {self.taken_id} cannot be deleted as it is referenced by at least one {self.by_what}"


class KeyReused(AlreadyExists):
    """The `Idempotency-Key` came with another body before (HTTP 409)."""

    def __init__(self, kind: str, process_id: str) -> None:
        super().__init__(kind, process_id, "this Idempotency-Key was used with another body; use a new one")


def guarded(handler: Handler, *, access: Access, need: Need) -> Handler:
    """The handler behind authentication and error mapping."""

    def answer(request: ApiRequest) -> ApiAnswer:
        try:
            access.check(request, need)
            check_size(request)
            return handler(request)
        except Exception as error:  # the last frame of a request: whatever it is, the caller gets an answer
            return refusal(error)

    return answer


def refusal(error: Exception) -> ApiAnswer:
    """The answer to a request that raised this."""
    match error:
        case InvalidInput():
            details = [_detail(f.message, "ValidationFailure", f.path, f.value) for f in error.faults]
            return ApiAnswer(400, details, help_header("ValidationFailure"))
        case Forbidden():
            return _one(401, "Request could not be authenticated", "AuthenticationFailed")
        case MissingScope():
            return _one(403, "Request is not authorized", "NotAuthorized")
        case NotFound():
            return _one(404, f"Object of type {error.kind} with ID={error.wanted_id} was not found", "ObjectNotFound")
        case IllegalTransition():
            detail = _detail(str(error), "ObjectConflict", "state", error.state)
            return ApiAnswer(409, [detail], help_header("ObjectConflict"))
        case InUse() | KeyReused():
            return _one(409, str(error), "ObjectConflict")
        case AlreadyExists():
            return _one(409, f"{error.kind} with ID {error.taken_id} already exists", "ObjectConflict")
        case BodyTooLarge():
            return _one(413, str(error), "RequestTooLarge")
        case EffectFailed():
            return _effect_refusal(error)
        case _:
            log.error("a management request failed unexpectedly", exc_info=error)
            return _one(500, "unexpected: the cause is in the log, under the trace of this request", "UnexpectedError")


def _effect_refusal(error: EffectFailed) -> ApiAnswer:
    fault = error.fault
    log.warning("a management request failed: %s", error)
    if fault.code in _ADDRESS_CODES:
        return _one(400, fault.message, "ValidationFailure", fault.code)
    if fault.code in _PEER_CODES or not fault.retryable:
        return _one(502, f"{fault.code}: {fault.message}", "BadGateway", fault.code)
    answer = _one(503, f"{fault.code}: {fault.message}", "ServiceUnavailable", fault.code)
    return replace(answer, headers={**answer.headers, "Retry-After": str(RETRY_AFTER_SECONDS)})


def _one(status: int, message: str, type_name: str, code: str = "") -> ApiAnswer:
    return ApiAnswer(status, [_detail(message, type_name)], help_header(code or type_name))


def _detail(message: str, type_name: str, path: str | None = None, value: str | None = None) -> Json:
    shown = f"{path}: {message}" if path and path != "$" and type_name == "ValidationFailure" else message
    # What a client put in the wrong place is not told again, where it looks like a secret.
    invalid = None if value is None else redacted(value)
    return {"message": redacted(shown), "type": type_name, "path": path, "invalidValue": invalid}
