"""The storage accounts of a participant, as the settings tell of them."""

from collections.abc import Callable

from ferry.data_plane.accounts import PUBLIC_ENDPOINT, AccountDirectory, KnownAccount
from ferry.services.outside import Outside
from ferry.settings import Settings


def account_directory(settings: Settings, outside: Outside) -> AccountDirectory:
    """The storage accounts that the settings know, and the rule for all others."""
    known = [
        KnownAccount(
            name,
            told.endpoint or PUBLIC_ENDPOINT.format(account=name),
            None if told.use_identity or (settings.use_identity and not told.key_name) else told.key_name or name,
        )
        for name, told in settings.accounts.items()
    ]
    default_key_name = None if settings.use_identity else "{account}"
    return AccountDirectory(
        known, allow=outside.allow, default_key_name=default_key_name, setting="FERRY_STORAGE_ACCOUNTS"
    )


def public_endpoint(accounts: AccountDirectory) -> Callable[[str, str | None], str | None]:
    """What a peer has to be told of an account's endpoint: nothing where it is the public one."""

    def told(name: str, endpoint: str | None) -> str | None:
        found = accounts.endpoint(name, endpoint)
        return None if found == PUBLIC_ENDPOINT.format(account=name) else found

    return told
