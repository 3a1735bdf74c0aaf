"""What the operations of the management API have in common: refusals in EDC's shape, and the forms that they take."""

from collections.abc import Mapping

from ferry.api.openapi.entry import Entry, Many, Shape

ERRORS = "ApiErrors"

# Whoever asks may be unknown, or not allowed to; a body may be too large; storage and vault may be away.
_ALWAYS: dict[int, Shape] = dict.fromkeys((401, 403, 413, 503), ERRORS)


def answers(good: Mapping[int, Shape], *refusals: int) -> dict[int, Shape]:
    """These answers, and a refusal for each of these statuses and for what can always happen."""
    return {**good, **dict.fromkeys(refusals, ERRORS), **_ALWAYS}


def get(summary: str, shape: Shape) -> Entry:
    """GET of one thing."""
    return Entry(summary, answers({200: shape}, 404))


def query(noun: str, shape: str) -> Entry:
    """POST …/request."""
    return Entry(f"Find {noun}", answers({200: Many(shape)}, 400), "QuerySpec", optional=True)


def order(summary: str, request: Shape = None) -> Entry:
    """POST …/{id}/{verb}: what a process is to do."""
    return Entry(summary, answers({204: None}, 400, 404, 409), request, optional=True)


def begin(summary: str, request: str, shape: str = "IdResponse") -> Entry:
    """POST that begins a process, once for each Idempotency-Key."""
    return Entry(summary, answers({200: shape}, 400, 409), request, parameters=("Idempotency-Key",))


def ask(summary: str, request: str, shape: str) -> Entry:
    """POST that asks another participant."""
    return Entry(summary, answers({200: shape}, 400, 404, 502), request)


def put(summary: str, request: str) -> Entry:
    """PUT that replaces."""
    return Entry(summary, answers({204: None}, 400, 404), request)


def delete(summary: str, *refusals: int) -> Entry:
    """DELETE."""
    return Entry(summary, answers({204: None}, 404, *refusals))
