"""A participant that knows its partners by their signatures, two partners who publish keys, and a clock that stands."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ferry.adapters.clock import VirtualClock
from ferry.adapters.key_documents import FetchedKeyDocuments
from ferry.adapters.memory_peer import MemoryNetwork, MemoryPeer
from ferry.adapters.memory_vault import MemoryVault
from ferry.adapters.vault_signer import VaultSigner, public_jwk
from ferry.domain.process import JsonObject
from ferry.domain.secret import Secret
from ferry.ports.peer import PeerAnswer
from ferry.protocol import did
from ferry.protocol.signed_identity import Self, SignedIdentity, partners_of
from tests.unit.identity.forge import Recipe, key_of, pem_of

OURS = "did:web:provider.example:api"
THEIRS = "did:web:consumer.example%3A8443:api"
OTHERS = "did:web:other.example"
PARTNERS: dict[str, tuple[str, str | None]] = {
    "consumer": (THEIRS, None),
    "other": (OTHERS, "https://dsp.other.example/connector"),
}


def key_id_of(owner: str, name: str) -> str:
    """The `kid` of a key by that name."""
    return f"{owner}#{public_jwk(key_of(name))['kid']}"


@dataclass(slots=True)
class Peers:
    """The participant "provider" (identity), and the documents of its partners, which tests may change."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    network: MemoryNetwork = field(default_factory=MemoryNetwork)
    documents: dict[str, JsonObject] = field(default_factory=dict[str, JsonObject])
    fetched: list[str] = field(default_factory=list[str])
    vault: MemoryVault = field(init=False)
    identity: SignedIdentity = field(init=False)

    def __post_init__(self) -> None:
        self.vault = MemoryVault(self.clock)
        self.vault.store("ferry-signing-key", Secret(pem_of(key_of("provider"))))
        self.clock.advance(1000)
        self.publish(THEIRS, "consumer")
        self.publish(OTHERS, "other")
        self.identity = self.participant("provider", OURS, PARTNERS, self.vault)

    @property
    def now(self) -> datetime:
        """The time."""
        return self.clock.now()

    def participant(
        self, name: str, own_did: str, partners: dict[str, tuple[str, str | None]], vault: MemoryVault
    ) -> SignedIdentity:
        """The identity of one participant, or of another of its processes."""
        own = Self(name, own_did, did.base_of(own_did).removesuffix("/api"), "https://versions.example")
        return SignedIdentity(
            own=own,
            partners=partners_of(partners, own, local_http=False),
            signer=VaultSigner(vault, "ferry-signing-key", clock=self.clock),
            documents=FetchedKeyDocuments(MemoryPeer(self.network), clock=self.clock),
            clock=self.clock,
        )

    def publish(self, owner: str, *key_names: str, **changes: Any) -> None:
        """Let a partner publish these keys, and nothing else."""
        url = did.document_url(owner)
        keys = [public_jwk(key_of(name)) for name in key_names]
        self.documents[url] = {**did.document(owner, keys, service_url="https://x.example"), **changes}

        def answer(method: str, asked: str, headers: object, body: object) -> PeerAnswer:
            assert (method, headers, body) == ("GET", {}, None)
            self.fetched.append(asked)
            return PeerAnswer(200, self.documents[asked])

        self.network.attach(url, answer)

    def recipe(self, **changes: Any) -> Recipe:
        """A token of the consumer for us, that would be accepted."""
        at = int(self.now.timestamp())
        claims = {"iss": THEIRS, "sub": THEIRS, "aud": OURS, "iat": at, "exp": at + 60, "jti": "token-1", **changes}
        header = {"alg": "ES256", "typ": "JWT", "kid": key_id_of(THEIRS, "consumer")}
        return Recipe(key_of("consumer"), "ES256", header, claims)
