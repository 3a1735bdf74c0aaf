"""Asks the consumer of a push for an address that lasts longer (the provider's side)."""

from dataclasses import dataclass

from ferry.domain.faults import EffectFailed, FaultCode, InvalidInput
from ferry.domain.process import Intent, JsonObject
from ferry.domain.transfer_process import Destination, TransferProcess
from ferry.effects.messages import RETRY_STATUS
from ferry.ports.peer import Peer, PeerAnswer
from ferry.ports.vault import Vault
from ferry.protocol.paths import ADDRESS, url
from ferry.protocol.renewal_messages import ToldAddress, address_request, read_address_answer
from ferry.protocol.sas import write_sas


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRenewal:
    """Performs RENEW_ADDRESS."""

    peer: Peer
    vault: Vault
    timeout_seconds: float = 10.0

    def renew(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """The new SAS lies in our vault under the name of the old one when this returns; gives `sas_expires_at`.

        Raises EffectFailed: PEER_UNREACHABLE and PEER_REFUSED, retryable where asking again may help.
        """
        del intent
        destination = process.destination
        if destination is None:
            return {}
        base = process.counter_party_address
        answer = self.peer.post(
            url(base, ADDRESS, process.correlation_id),
            address_request(process),
            audience=base,
            timeout_seconds=self.timeout_seconds,
        )
        told = _told(process, answer)
        _check(process, destination, told)
        self.vault.store(destination.secret_name, write_sas(told.sas, told.expires_at), expires_at=told.expires_at)
        return {"sas_expires_at": told.expires_at.isoformat()}


def _told(process: TransferProcess, answer: PeerAnswer) -> ToldAddress:
    if answer.status != 200:
        what = f"answered {answer.status} when asked for an address that lasts longer"
        retryable = answer.status in RETRY_STATUS or answer.status >= 500
        raise _refused(process, what, retryable=retryable)
    try:
        return read_address_answer(answer.body)
    except InvalidInput as error:
        raise _refused(process, f"answered with an address that cannot be read ({error})", retryable=True) from None


def _check(process: TransferProcess, known: Destination, told: ToldAddress) -> None:
    """Raises EffectFailed where the address is another place, or lasts no longer than the one that we have."""
    new = told.address
    place = (new.account, new.container, new.folder, new.blob_name, new.endpoint, new.marker)
    if place != (known.account, known.container, known.folder, known.blob_name, known.endpoint, known.marker):
        raise _refused(process, "answered with the address of another place", retryable=False)
    if known.sas_expires_at is not None and told.expires_at <= known.sas_expires_at:
        raise _refused(process, "answered with an address that lasts no longer", retryable=True)


def _refused(process: TransferProcess, what: str, *, retryable: bool) -> EffectFailed:
    hint = "it is asked again while the SAS is valid" if retryable else "it is not asked again"
    message = f"{process.counter_party_id} {what}; {hint}"
    return EffectFailed.because(FaultCode.PEER_REFUSED, message, retryable=retryable, step=6)
