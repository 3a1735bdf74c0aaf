"""What every endpoint of the protocol does: find out who asks, answer, and turn what is raised into a typed error."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from ferry.api.dsp import requests
from ferry.api.http import ApiAnswer, ApiRequest, BodyTooLarge, check_size
from ferry.domain.faults import AlreadyExists, EffectFailed, FerryError, IllegalTransition, InvalidInput, NotFound
from ferry.domain.message_kind import Role
from ferry.domain.peer_process import PeerProcess
from ferry.domain.process import Json
from ferry.protocol.identity import Identity, Unauthenticated

log = logging.getLogger("ferry.dsp")

type Answer = Callable[[ApiRequest, str], ApiAnswer]
# Status, reasons, and who asks (None: unknown).
type ErrorBody = Callable[[int, list[str], str | None], dict[str, Json]]
# The process behind an id, if it is of that role and of that peer.
type FindProcess = Callable[[str, Role, str], PeerProcess]


@dataclass(frozen=True, slots=True)
class PeerEndpoint:
    """Answers peers that have shown who they are."""

    identity: Identity

    def answered(self, request: ApiRequest, error_body: ErrorBody, answer: Answer) -> ApiAnswer:
        """The answer, or the protocol's error of the right type. Who asks is found out once: a proof serves once."""
        peer_id: str | None = None
        try:
            check_size(request)
            peer_id = self.identity.identify(request.headers.get("authorization"))
            return answer(request, peer_id)
        except Unauthenticated as error:
            log.info("refused a peer: %s", error)
            return ApiAnswer(401, error_body(401, ["the caller did not show who it is"], None))
        except BodyTooLarge as error:
            return ApiAnswer(413, error_body(413, [str(error)], None))
        except InvalidInput as error:
            return ApiAnswer(
                400, error_body(400, [f"{fault.path}: {fault.message}" for fault in error.faults], peer_id)
            )
        except NotFound as error:
            return ApiAnswer(404, error_body(404, [str(error)], peer_id))
        except (IllegalTransition, AlreadyExists) as error:
            return ApiAnswer(409, error_body(409, [str(error)], peer_id))
        except EffectFailed as error:
            status = 503 if error.fault.retryable else 400
            return ApiAnswer(status, error_body(status, [error.fault.message, f"fault: {error.fault.code}"], peer_id))

    def pids(
        self,
        request: ApiRequest,
        role: Role,
        find: FindProcess,
        provider_pid_of: Callable[[str, str], str],
        *,
        peer_id: str | None,
    ) -> tuple[str, str]:
        """Both pids for an error: those of the process if it is the caller's, else what the request itself says."""
        consumer_pid, provider_pid = requests.stated_pids(request, role)
        if peer_id is None:
            return consumer_pid, provider_pid
        try:
            found = find(request.route.get("pid") or provider_pid_of(peer_id, consumer_pid), role, peer_id)
        except FerryError:
            return consumer_pid, provider_pid
        return found.consumer_pid, found.provider_pid
