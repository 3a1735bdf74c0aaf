"""ReadAccess: lets somebody else read a source of ours for a while, by SAS (a pull of type AzureStorage).

The SAS covers one blob (`r`), or the container where the address is a prefix (`rl`), since a SAS knows no prefix. With
an account key it hangs on a stored access policy, so that taking access back makes it worthless at once, and giving
access again makes the same SAS good again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ferry.data_plane.accounts import AccountDirectory, KeyNeed
from ferry.data_plane.sas_token import SasToken
from ferry.data_plane.sides import at_source, at_step
from ferry.domain.data_address import SourceAddress
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.ports.clock import Clock
from ferry.ports.storage import Account, BlobItem, BlobPage, ObjectStorage, SasScope
from ferry.ports.vault import Vault

PLAIN_SAS_SECONDS = 3600.0
_CLOCK_SKEW = timedelta(minutes=5)
_STEP = 8


@dataclass(frozen=True, slots=True)
class ReadableSource:
    """What is shown to whoever reads: where the account answers, and the SAS with its end."""

    endpoint: str
    token: SasToken
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAccess:
    """Reading of sources of ours, by others and for them. Raises EffectFailed with the source's codes."""

    storage: ObjectStorage
    vault: Vault
    accounts: AccountDirectory
    clock: Clock
    sas_seconds: float = PLAIN_SAS_SECONDS

    def grant(self, source: SourceAddress, policy_id: str | None) -> ReadableSource:
        """A SAS; under the same policy the same one again, whatever was taken back meanwhile."""
        account, now = self._account(source), self.clock.now()
        letters = "r" if source.blob_name is not None else "rl"
        expires_at = now + timedelta(seconds=self.sas_seconds)
        with at_source(_STEP):
            self._must_be_there(account, source)
            for policy in (policy_id, None):
                if policy is None:
                    expires_at = min(expires_at, now + timedelta(seconds=PLAIN_SAS_SECONDS))
                scope = SasScope(
                    source.container,
                    letters,
                    now - _CLOCK_SKEW,
                    expires_at,
                    blob_name=source.blob_name,
                    policy_id=policy,
                )
                if policy is None or (account.key is not None and self._add_policy(account, scope)):
                    break
            sas = self.storage.issue_sas(account, scope)
        return ReadableSource(account.endpoint, SasToken(sas, expires_at), expires_at)

    def revoke(self, source: SourceAddress, policy_id: str | None) -> None:
        """Take the policy off; what hangs on none ends by itself."""
        if policy_id is None:
            return
        account = self._account(source, retryable=True)
        if account.key is not None:
            with at_source(_STEP):
                self.storage.remove_access_policy(account, source.container, policy_id)

    def find(self, source: SourceAddress, name: str | None) -> BlobItem | None:
        """The blob of the address, or the one of that name under its prefix; None where there is none."""
        wanted = source.blob_name if source.blob_name is not None else name
        if wanted is None or (name is not None and name != wanted):
            return None
        if source.blob_name is None and not wanted.startswith(source.blob_prefix or ""):
            return None
        with at_source(_STEP):
            return self.storage.head_blob(self._account(source), source.container, wanted)

    def page(self, source: SourceAddress, *, after: str | None) -> BlobPage:
        """A page of the names under a prefix."""
        with at_source(_STEP):
            return self.storage.list_blobs(
                self._account(source), source.container, source.blob_prefix or "", after=after
            )

    def read(self, source: SourceAddress, item: BlobItem, start: int, size_bytes: int) -> bytes:
        """A part of a blob."""
        if size_bytes <= 0:
            return b""
        with at_source(_STEP):
            account = self._account(source)
            return self.storage.read_range(account, source.container, item, start=start, size_bytes=size_bytes)

    def _add_policy(self, account: Account, scope: SasScope) -> bool:
        return self.storage.add_access_policy(account, scope)

    def _must_be_there(self, account: Account, source: SourceAddress) -> None:
        if source.blob_name is None:
            self.storage.list_blobs(account, source.container, source.blob_prefix or "")
        elif self.storage.head_blob(account, source.container, source.blob_name) is None:
            message = f"blob {source.blob_name!r} does not exist in container {source.container} of {account.name}"
            raise EffectFailed.because(FaultCode.SOURCE_BLOB_MISSING, f"{message}; put it there", step=_STEP)

    def _account(self, source: SourceAddress, *, retryable: bool = False) -> Account:
        need = KeyNeed(FaultCode.SOURCE_KEY_MISSING, _STEP, retryable=retryable)
        with at_step(_STEP):
            return self.accounts.resolve(source.account, source.key_name, source.endpoint, vault=self.vault, need=need)
