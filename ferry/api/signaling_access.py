"""Who may speak to a participant's planes, and what a refused or failed call is answered.

A plane acts with its participant's credentials, so nobody else is let in. How the other plane shows that it belongs to
the participant is a setting: by the participant's own identity, by a key, or (`open`) not at all, for control planes
that show nothing, on a network where nobody else can reach these paths.
"""

import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from ferry.api.http import ApiAnswer, ApiRequest, BodyTooLarge, check_size
from ferry.domain.faults import AlreadyExists, EffectFailed, IllegalTransition, InvalidInput, NotFound
from ferry.protocol.identity import Identity, Unauthenticated

log = logging.getLogger("ferry.signaling")

OWN, API_KEY, OPEN = "own", "api-key", "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneCallers:
    """The callers that are let in. `mode`: own, api-key or open."""

    participant_id: str
    identity: Identity
    mode: str = OWN
    api_key: str = field(default="", repr=False)

    def check(self, request: ApiRequest) -> None:
        """Raises Unauthenticated, and EffectFailed where it cannot be decided now."""
        if self.mode == OPEN:
            return
        authorization = request.headers.get("authorization")
        if self.mode == API_KEY:
            given = request.headers.get("x-api-key") or (authorization or "").removeprefix("Bearer ").strip()
            if not self.api_key or not hmac.compare_digest(given.encode(), self.api_key.encode()):
                raise Unauthenticated("the caller does not know the key of these paths")
        elif self.identity.identify(authorization) != self.participant_id:
            raise Unauthenticated("only the participant's own planes may call here")

    def answered(self, request: ApiRequest, answer: Callable[[ApiRequest], ApiAnswer]) -> ApiAnswer:
        """The answer to a caller that is let in, or why there is none."""
        try:
            check_size(request)
            self.check(request)
            return answer(request)
        except Unauthenticated as error:
            log.info("refused a caller: %s", error)
            return ApiAnswer(401, {"error": "the caller did not show that it belongs to this participant"})
        except BodyTooLarge as error:
            return ApiAnswer(413, {"error": str(error)})
        except InvalidInput as error:
            return ApiAnswer(400, {"error": [f"{fault.path}: {fault.message}" for fault in error.faults]})
        except NotFound as error:
            return ApiAnswer(404, {"error": str(error)})
        except (AlreadyExists, IllegalTransition) as error:
            return ApiAnswer(409, {"error": str(error)})
        except EffectFailed as error:
            return ApiAnswer(503 if error.fault.retryable else 400, {"error": error.fault.message})
