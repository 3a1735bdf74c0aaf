"""By what right a container is read: with SAS that we sign ourselves, or with the one that an address came with."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import parse_qs

from ferry.adapters.blob_sas import SasSigner, SasTemplate
from ferry.ports.clock import Clock
from ferry.ports.storage import Account, SasScope

READ_SAS_LIFETIME = timedelta(hours=1)
_CLOCK_SKEW = timedelta(minutes=5)
# How old a SAS gets before the next one is signed, and for how long `prepare` looks ahead.
_RENEWED_AFTER = timedelta(minutes=5)
_PREPARED_FOR = timedelta(minutes=15)
# For reading, listing and tags; it never leaves this process.
_OWN_LETTERS = "rlt"
_GIVEN_LETTERS = "r"


def letters_of(sas: str) -> str | None:
    """What a SAS allows; None where its stored access policy knows."""
    said = parse_qs(sas).get("sp")
    return said[0] if said else None


class Access(Protocol):
    """Query strings with which requests to one container are authorised. Raises StorageFailed."""

    @property
    def may_read_tags(self) -> bool:
        """Whether it is worth asking for tags."""
        ...

    async def prepare(self) -> None:
        """Have what the next ten minutes need."""
        ...

    async def own_query(self) -> str:
        """For requests of ours; empty where none is needed."""
        ...

    def query_for(self, name: str) -> str | None:
        """For the one who is to read this blob; None where nobody is."""
        ...


class GivenAccess:
    """The SAS that came with an address, whatever it allows, for ever the same."""

    def __init__(self, query: str, *, gives_urls: bool = True) -> None:
        self._query = query
        self._gives_urls = gives_urls
        letters = letters_of(query)
        self._may_read_tags = letters is None or "t" in letters

    @property
    def may_read_tags(self) -> bool:
        """Whether its letters are unknown or hold `t`."""
        return self._may_read_tags

    async def prepare(self) -> None:
        """It is there."""

    async def own_query(self) -> str:
        """The query."""
        return self._query

    def query_for(self, name: str) -> str | None:
        """The query: there is no smaller one to be had."""
        return self._query if self._gives_urls else None


@dataclass(frozen=True, slots=True)
class _Signed:
    own: str
    for_blobs: SasTemplate
    renew_at: datetime


class SignedAccess:
    """SAS for a container of ours: short-lived, and for others never more than one blob to read.

    Whoever runs the destination was chosen by the peer, so it gets to see no more than the blob that it is to copy.
    """

    may_read_tags = True

    def __init__(self, signer: SasSigner, clock: Clock, account: Account, container: str, *, gives_urls: bool) -> None:
        self._signer = signer
        self._clock = clock
        self._account = account
        self._container = container
        self._gives_urls = gives_urls
        self._signed: _Signed | None = None

    async def prepare(self) -> None:
        """Fetch a delegation key where one is needed, in a thread, for the SDK waits."""
        until = self._clock.now() + READ_SAS_LIFETIME + _PREPARED_FOR
        if not self._signer.holds_key(self._account, until):
            await asyncio.to_thread(self._signer.fetch_key, self._account, until)

    async def own_query(self) -> str:
        """A SAS for reading and listing, renewed long before it ends."""
        now = self._clock.now()
        if not self._signer.holds_key(self._account, now + READ_SAS_LIFETIME):
            await self.prepare()
        return self._current(now).own

    def query_for(self, name: str) -> str | None:
        """A SAS for reading this one blob for an hour at most."""
        return self._current(self._clock.now()).for_blobs.for_blob(name) if self._gives_urls else None

    def _current(self, now: datetime) -> _Signed:
        signed = self._signed
        if signed is None or now >= signed.renew_at:
            signed = self._signed = _Signed(
                self._template(_OWN_LETTERS, now).for_container(),
                self._template(_GIVEN_LETTERS, now),
                now + _RENEWED_AFTER,
            )
        return signed

    def _template(self, letters: str, now: datetime) -> SasTemplate:
        scope = SasScope(self._container, letters, now - _CLOCK_SKEW, now + READ_SAS_LIFETIME)
        return self._signer.template(self._account, scope)
