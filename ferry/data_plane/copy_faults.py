"""Turns what a source answers to the copy's own questions (listing, head) into the fault of the source (step 10)."""

from collections.abc import Generator
from contextlib import contextmanager

from ferry.data_plane.sides import at_source
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.ports.blob_sides import WireAnswer, WireLost, WireRefused
from ferry.ports.storage import Account

_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
_KEY_ADVICE = "the account does not accept the key: store its current key in the vault, or look at its firewall"
_IDENTITY_ADVICE = (
    "the account does not accept what this app shows: its identity needs the role Storage Blob Data Contributor (a new "
    "assignment takes some minutes), a SAS must allow reading and listing, and the account's firewall must let it in"
)


@contextmanager
def asking_source(account: Account, container: str, step: int) -> Generator[None]:
    """Refusals and lost answers in this block are the source's."""
    where = f"container {container} of account {account.name}"
    try:
        with at_source(step):
            yield
    except WireLost:
        raise _failed(f"{where} did not answer; it is asked again", retryable=True, step=step) from None
    except WireRefused as refused:
        raise _refused(refused.answer, where, account, step) from None


def _refused(answer: WireAnswer, where: str, account: Account, step: int) -> EffectFailed:
    told = f"({answer.status} {answer.code})"
    if answer.status in (401, 403):
        code = FaultCode.SOURCE_UNAVAILABLE if account.key is None else FaultCode.SOURCE_KEY_MISSING
        advice = _IDENTITY_ADVICE if account.key is None else _KEY_ADVICE
        return EffectFailed.because(code, f"{where} is refused {told}: {advice}", step=step)
    if answer.code == "ContainerNotFound" or answer.status == 404:
        message = f"{where} does not exist; a retry does not help, the provider must put the data where the asset says"
        return EffectFailed.because(FaultCode.SOURCE_BLOB_MISSING, message, step=step)
    if answer.status in _TRANSIENT or answer.code == "ContainerBeingDeleted":
        return _failed(f"{where} cannot be read now {told}; it is asked again", retryable=True, step=step)
    return _failed(f"{where} cannot be read {told}; a retry does not help", retryable=False, step=step)


def _failed(message: str, *, retryable: bool, step: int) -> EffectFailed:
    return EffectFailed.because(FaultCode.SOURCE_UNAVAILABLE, message, retryable=retryable, step=step)
