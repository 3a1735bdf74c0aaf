"""Identity by signature: self-issued tokens (ES256), keys in a `did:web` document, partners from a list of ours.

A peer is the partner whose DID issued the token. Our own planes, which hold the same vault, show our participant id in
the place of a DID, and the address that they call as audience. (Design: secrets and trust; decision record 9.)
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import Json, JsonObject
from ferry.ports.clock import Clock
from ferry.ports.keys import KeyDocuments, Signer
from ferry.protocol import did
from ferry.protocol.replays import SeenTokens
from ferry.protocol.tokens import SKEW_SECONDS, Check, Token, TokenRefused, check_times, read_token, token_id

ALGORITHM = "ES256"
LONGEST_SECONDS = 300
OWN_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Partner:
    """A participant that we know: our name for it, its DID, where its document lies, and below which URL it answers."""

    participant_id: str
    did: str
    document_url: str
    address: str


@dataclass(frozen=True, slots=True)
class Self:
    """This participant: its id, its DID, the URL of this app, and where that tells the protocol's versions."""

    participant_id: str
    did: str
    app_url: str
    versions_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIdentity:
    """protocol.Identity by signature."""

    own: Self
    partners: Sequence[Partner]
    signer: Signer
    documents: KeyDocuments
    clock: Clock
    seen: SeenTokens = field(default_factory=SeenTokens)

    def authorization(self, audience: str) -> str:
        """A token for the partner that answers at that address."""
        partner = self._partner_at(audience)
        if partner is None:
            message = (
                f"{audience.partition('?')[0]} is the address of no partner: nothing is sent there. Trying again does "
                "not help; name who answers there in FERRY_PARTNERS"
            )
            raise EffectFailed.because(FaultCode.ADDRESS_FORBIDDEN, message)
        return self._token(self.own.did, partner.did)

    def plane_authorization(self, audience: str) -> str:
        """A token that only a plane of ours at that address would take."""
        return self._token(self.own.participant_id, audience)

    def identify(self, authorization: str | None) -> str:
        """The partner's id, or our own. Raises TokenRefused, and EffectFailed where keys cannot be had now."""
        token = read_token(authorization, ALGORITHM)
        issuer = token.claims.get("iss")
        if issuer == self.own.participant_id:
            peer_id, key = self.own.participant_id, self._own_key(token)
        else:
            partner = self._partner_of(issuer)
            peer_id, key = partner.participant_id, self._key_of(partner, token)
        token.prove(key)
        self._check_claims(token.claims, is_own=peer_id == self.own.participant_id)
        return peer_id

    def document(self) -> JsonObject | None:
        """Our DID document. Raises EffectFailed VAULT_UNAVAILABLE."""
        return did.document(self.own.did, self.signer.public_keys(), service_url=self.own.versions_url)

    def _token(self, name: str, audience: str) -> str:
        now = int(self.clock.now().timestamp())
        claims: dict[str, Json] = {
            "iss": name,
            "sub": name,
            "aud": audience,
            "iat": now,
            "exp": now + OWN_SECONDS,
            "jti": str(uuid.uuid4()),
        }
        return f"Bearer {self.signer.sign(claims, owner=name)}"

    def _check_claims(self, claims: JsonObject, *, is_own: bool) -> None:
        issuer, now = str(claims.get("iss")), self.clock.now()
        if claims.get("sub") != issuer:
            raise TokenRefused(Check.SUBJECT, f"{issuer} issued it for somebody else")
        if not (self._is_for_this_app(claims) if is_own else single(claims.get("aud")) == self.own.did):
            raise TokenRefused(Check.AUDIENCE, f"{issuer} issued it for another participant than {self.own.did}")
        expires_at = check_times(claims, now, longest_seconds=LONGEST_SECONDS)
        is_new = self.seen.is_first(issuer, token_id(claims), until=expires_at + SKEW_SECONDS, now=now.timestamp())
        if not is_new:
            raise TokenRefused(Check.REPLAY, f"{issuer} or somebody else has used it before")

    def _is_for_this_app(self, claims: JsonObject) -> bool:
        audience = single(claims.get("aud"))
        return audience is not None and _is_below(audience, self.own.app_url)

    def _partner_at(self, address: str) -> Partner | None:
        found = [partner for partner in self.partners if _is_below(address, partner.address)]
        return max(found, key=lambda partner: len(partner.address), default=None)

    def _partner_of(self, issuer: Json) -> Partner:
        for partner in self.partners:
            if partner.did == issuer:
                return partner
        raise TokenRefused(Check.ISSUER, "its issuer is not among our partners (FERRY_PARTNERS)")

    def _own_key(self, token: Token) -> JsonObject:
        for again in (False, True):
            for key in self.signer.public_keys(again=again):
                if token.key_id == f"{self.own.participant_id}#{key['kid']}":
                    return key
        raise TokenRefused(Check.KEY, "the key that it names is not in our vault")

    def _key_of(self, partner: Partner, token: Token) -> JsonObject:
        for read in (self.documents.get, self.documents.again):
            key = did.key_in(read(partner.document_url), partner.did, token.key_id)
            if key is not None:
                return key
        raise TokenRefused(Check.KEY, f"the key that it names is not one of {partner.did}")


def partners_of(told: Mapping[str, tuple[str, str | None]], own: Self, *, local_http: bool) -> tuple[Partner, ...]:
    """Partners by participant id, each with its DID and, where it does not answer below that, its address.

    Our own entry, if there is one, is left out: nobody else is to pass for us. Raises InvalidInput.
    """
    return tuple(
        Partner(
            name,
            its_did,
            did.document_url(its_did, local_http=local_http),
            address or did.base_of(its_did, local_http=local_http),
        )
        for name, (its_did, address) in told.items()
        if name != own.participant_id and its_did != own.did
    )


def single(audience: Json) -> str | None:
    """The one audience of a token; None where there are none or several."""
    if isinstance(audience, Sequence) and not isinstance(audience, str) and len(audience) == 1:
        audience = audience[0]
    return audience if isinstance(audience, str) else None


def _is_below(address: str, base: str) -> bool:
    return address == base or address.startswith((f"{base}/", f"{base}?"))
