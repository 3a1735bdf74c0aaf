"""The document that publishes our keys, open to all, where a `did:web` points (decision record 9)."""

import logging

from ferry.api.http import ApiAnswer
from ferry.domain.faults import EffectFailed
from ferry.protocol.identity import Identity

log = logging.getLogger("ferry.identity")

CACHED_SECONDS = 60


def did_document(identity: Identity) -> ApiAnswer:
    """GET /did.json; 404 where this participant signs nothing."""
    try:
        document = identity.document()
    except EffectFailed as error:
        log.warning("our keys cannot be told: %s", error)
        return ApiAnswer(503)
    if document is None:
        return ApiAnswer(404)
    return ApiAnswer(200, document, {"Cache-Control": f"public, max-age={CACHED_SECONDS}"})
