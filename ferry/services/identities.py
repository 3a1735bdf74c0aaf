"""Composition of identity and access: how peers, planes and clients show who they are, as the settings say."""

from urllib.parse import urlsplit

from ferry.adapters.egress import EgressGuard
from ferry.adapters.vault_signer import VaultSigner
from ferry.api.management.access import Access, ApiKeyAccess, EntraAccess, HostAccess
from ferry.ports.clock import Clock
from ferry.ports.keys import KeyDocuments
from ferry.ports.vault import VersionedSecrets
from ferry.protocol.identity import Identity, MockIdentity
from ferry.protocol.signed_identity import Self, SignedIdentity, partners_of
from ferry.settings import Settings


def identity_of(settings: Settings, *, vault: VersionedSecrets, key_documents: KeyDocuments, clock: Clock) -> Identity:
    """How this participant knows its peers, and they it."""
    if settings.identity == "mock":
        return MockIdentity(settings.participant_id)
    told = {name: (partner.did, partner.address) for name, partner in settings.partners.items()}
    versions_url = f"{settings.public_url}/api/dsp/.well-known/dspace-version"
    own = Self(settings.participant_id, settings.did, settings.public_url, versions_url)
    return SignedIdentity(
        own=own,
        partners=partners_of(told, own, local_http=settings.allow_loopback),
        signer=VaultSigner(vault, settings.signing_key_name, clock=clock),
        documents=key_documents,
        clock=clock,
    )


def dids_of(settings: Settings) -> dict[str, str]:
    """The DIDs that we know by participant id: those of partners, and our own where it signs or is told."""
    own = settings.did if settings.identity == "signed" else settings.own_did
    told = {name: partner.did for name, partner in settings.partners.items()}
    return {**told, settings.participant_id: own} if own else told


def own_secrets(settings: Settings) -> frozenset[str]:
    """The names, in small letters, of secrets in the vault that are for the app alone."""
    return frozenset({settings.signing_key_name.lower()} - {""})


def management_access(settings: Settings, *, key_documents: KeyDocuments, clock: Clock) -> Access:
    """Who may use the management API."""
    if settings.management_auth == "entra":
        return EntraAccess(
            issuer=settings.entra.issuer,
            audience=settings.entra.audience,
            jwks_url=settings.entra.jwks_url,
            documents=key_documents,
            clock=clock,
        )
    return ApiKeyAccess(settings.api_key) if settings.management_auth == "api-key" else HostAccess()


def key_document_guard(settings: Settings) -> EgressGuard:
    """The egress guard for documents with keys: as for peers, and the issuer of the clients' tokens."""
    issuer = urlsplit(settings.entra.jwks_url)
    hosts = (issuer.netloc,) if settings.management_auth == "entra" else ()
    return EgressGuard(
        [*settings.allowed_hosts, *hosts],
        allow_loopback=settings.allow_loopback,
        allowed_networks=settings.allowed_networks,
    )
