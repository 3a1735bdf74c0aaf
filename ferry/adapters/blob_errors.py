"""What the blob service says instead of doing what it was asked, as a value.

The SDK's exceptions quote URLs, and a URL may hold a signature. So none of them leaves the adapters, not even as the
cause of another one: `attempt` turns them into a `Refusal`, which holds status and code alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from ferry.ports.storage import Account
from ferry.ports.storage_failure import StorageFailed, StorageProblem

if TYPE_CHECKING:
    from azure.core.rest import HttpResponse

NO_ANSWER = "NoAnswer"
NO_TOKEN = "NoToken"  # noqa: S105 - a code, not a token

_PROBLEMS: Mapping[str, StorageProblem] = {
    "ContainerNotFound": StorageProblem.CONTAINER_MISSING,
    "ContainerBeingDeleted": StorageProblem.UNAVAILABLE,
    "BlobNotFound": StorageProblem.BLOB_MISSING,
    "ConditionNotMet": StorageProblem.BLOB_CHANGED,
    NO_ANSWER: StorageProblem.UNAVAILABLE,
}
_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_KEY_ADVICE = "the account does not accept the key: store its current key in the vault, or look at its firewall"
_IDENTITY_ADVICE = (
    "the account does not accept this app's identity: it needs the role Storage Blob Data Contributor (a new "
    "assignment takes some minutes), and the account's firewall must let it in"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A failed request: HTTP status (0: no answer) and error code ("" where the answer named none).

    `was_sent`: the service may have done it all the same. `source_status`: what the source of a copy answered it.
    """

    status: int
    code: str
    was_sent: bool = True
    source_status: int = 0

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed in a moment."""
        return self.status in _TRANSIENT or self.source_status in _TRANSIENT or self.code in (NO_ANSWER, NO_TOKEN)

    @property
    def is_ambiguous(self) -> bool:
        """Whether it may have been done although it looks failed. A 503 was turned away at the door."""
        return self.was_sent and self.is_transient and self.status not in (429, 503)

    def __str__(self) -> str:
        return f"{self.status} {self.code or 'without a code'}" if self.status else self.code


def attempt[T](operation: Callable[[], T]) -> T | Refusal:
    """What the operation gives, or how the service refused. Faults that are no answer of the service are raised."""
    from azure.core.exceptions import AzureError

    try:
        return operation()
    except AzureError as error:
        return _refusal(error)


def _refusal(error: Exception) -> Refusal:
    from azure.core.exceptions import ClientAuthenticationError, HttpResponseError, ServiceRequestError

    if isinstance(error, HttpResponseError) and error.response is not None:
        response = cast("HttpResponse", error.response)
        if isinstance(error, ClientAuthenticationError) and "x-ms-request-id" not in response.headers:
            return Refusal(0, NO_TOKEN, was_sent=False)
        source_status = response.headers.get("x-ms-copy-source-status-code", "")
        return Refusal(
            response.status_code,
            response.headers.get("x-ms-error-code") or _code_of(error),
            source_status=int(source_status) if source_status.isdecimal() else 0,
        )
    if isinstance(error, ClientAuthenticationError):
        return Refusal(0, NO_TOKEN, was_sent=False)
    return Refusal(0, NO_ANSWER, was_sent=not isinstance(error, ServiceRequestError))


def _code_of(error: Exception) -> str:
    code: object = getattr(error, "error_code", None)
    return str(getattr(code, "value", code) or "")


def storage_failed(refusal: Refusal, account: Account, what: str) -> StorageFailed:
    """The neutral failure for a request to an account of ours; `what` names the container or blob."""
    with_key = account.key is not None
    problem = _problem(refusal, with_key=with_key)
    where = f"{what} in account {account.name}"
    match problem:
        case StorageProblem.UNAVAILABLE:
            reason = f"cannot be reached now ({refusal}); it is tried again"
        case StorageProblem.REFUSED if _is_about_credentials(refusal):
            reason = f"is refused ({refusal}): {_KEY_ADVICE if with_key else _IDENTITY_ADVICE}"
        case StorageProblem.REFUSED:
            reason = f"cannot be used like that ({refusal}); a retry does not help"
        case StorageProblem.BLOB_CHANGED:
            reason = "was changed since it was listed; start again to take the new version"
        case StorageProblem.CONTAINER_MISSING:
            reason = "does not exist: the container was deleted or never created; a retry does not help"
        case _:
            reason = "does not exist; a retry does not help"
    return StorageFailed(problem, f"{where} {reason}", with_key=with_key and _is_about_credentials(refusal))


def _is_about_credentials(refusal: Refusal) -> bool:
    return refusal.status in (401, 403) or refusal.code == NO_TOKEN


def _problem(refusal: Refusal, *, with_key: bool) -> StorageProblem:
    if refusal.code == NO_TOKEN:
        # With a key it means that the key cannot sign, for it is not even base64.
        return StorageProblem.REFUSED if with_key else StorageProblem.UNAVAILABLE
    known = _PROBLEMS.get(refusal.code)
    if known is not None:
        return known
    if refusal.is_transient or refusal.status >= 500:
        return StorageProblem.UNAVAILABLE
    if refusal.status == 404:
        return StorageProblem.BLOB_MISSING
    return StorageProblem.BLOB_CHANGED if refusal.status == 412 else StorageProblem.REFUSED
