"""Which storage accounts there are, where they answer, and how their key is had (steps 2 and 8).

A key is taken from the vault when it is used and never kept. An account without a key alias is acted on with the
participant's own identity. An endpoint that an address brings along must pass the egress guard.
"""

import ipaddress
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from ferry.data_plane.sas_token import read_sas_token
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.ports.storage import Account
from ferry.ports.vault import Vault

PUBLIC_ENDPOINT = "https://{account}.blob.core.windows.net"
_AZURE_SUFFIX = ".blob.core.windows.net"


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """An account of the settings: its endpoint, and the vault's alias of its key or None for our own identity."""

    name: str
    endpoint: str
    key_name: str | None = None


@dataclass(frozen=True, slots=True)
class KeyNeed:
    """What to say when a key is missing: the code of the side, the step, whether the key may still turn up."""

    code: FaultCode
    step: int
    retryable: bool = False


class AccountDirectory:
    """Known accounts, and the rule for all others.

    `allow` is the egress guard: it raises EffectFailed ADDRESS_FORBIDDEN for a URL that must not be called.
    `default_key_name` is the alias for accounts that are not known, `{account}` standing for the name; None: identity.
    `setting` is what a message tells the operator to look at.
    """

    def __init__(
        self,
        known: Iterable[KnownAccount],
        *,
        allow: Callable[[str], None],
        public_endpoint: str = PUBLIC_ENDPOINT,
        default_key_name: str | None = None,
        setting: str = "FERRY_ACCOUNTS",
    ) -> None:
        self._known = {account.name: account for account in known}
        self._allow = allow
        self._public_endpoint = public_endpoint
        self._default_key_name = default_key_name
        self._setting = setting

    def endpoint(self, name: str, endpoint: str | None) -> str:
        """Where the account answers, without a slash at the end. Raises EffectFailed ADDRESS_FORBIDDEN."""
        known = self._known.get(name)
        if known is not None and endpoint in (None, known.endpoint):
            return known.endpoint
        chosen = (endpoint or self._public_endpoint.format(account=name)).rstrip("/")
        self._check(chosen)
        return chosen

    def may_read_source(self, endpoint: str) -> bool:
        """Whether the service at this endpoint may be given a URL that reads a blob of ours.

        A peer names its endpoint; one that is neither Azure's, nor in the settings, nor this machine gets bytes alone.
        """
        if any(endpoint == account.endpoint for account in self._known.values()):
            return True
        host = urlsplit(endpoint).hostname or ""
        return is_loopback(endpoint) or (endpoint.startswith("https://") and host.endswith(_AZURE_SUFFIX))

    def resolve(self, name: str, key_name: str | None, endpoint: str | None, *, vault: Vault, need: KeyNeed) -> Account:
        """The account with its key, taken from the vault now. Raises EffectFailed with `need.code` where it is missing.

        An alias in the address goes before that of the settings.
        """
        address = self.endpoint(name, endpoint)
        alias = key_name or self._key_name(name)
        if alias is None:
            return Account(name, address)
        key = vault.get(alias)
        if key is None:
            raise EffectFailed.because(
                need.code,
                f"the key of storage account {name} is not in the vault: there is no secret {alias!r}. "
                f"Store the key under that name, or name another one in keyName or in {self._setting}"
                + ("; it is looked for again" if need.retryable else ", and start the transfer again"),
                retryable=need.retryable,
                step=need.step,
            )
        token = read_sas_token(key) if key_name is not None else None
        # A source that a peer has told us: what we hold is a SAS for it, not its key.
        return Account(name, address, key) if token is None else Account(name, address, sas=token.sas)

    def _key_name(self, name: str) -> str | None:
        known = self._known.get(name)
        if known is not None:
            return known.key_name
        return self._default_key_name.format(account=name) if self._default_key_name else None

    def _check(self, endpoint: str) -> None:
        if not endpoint.startswith("https://") and not is_loopback(endpoint):
            raise EffectFailed.because(
                FaultCode.ADDRESS_FORBIDDEN,
                f"storage endpoint {endpoint} is not https, and only a local emulator may do without",
            )
        self._allow(endpoint)


def is_loopback(url: str) -> bool:
    """Whether the URL names this machine by a loopback address or as localhost."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
