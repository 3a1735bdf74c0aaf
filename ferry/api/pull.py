"""Where a consumer reads what this plane serves over HTTP: the data of a flow, in ranges, and new access tokens.

Anybody may call here who has the flow's tokens; the participant's own planes need not be asked. A host answers whole
bodies, so an answer has at most `RANGE_BYTES`: a larger blob is read in ranges, as every download client can.
"""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from urllib.parse import parse_qs

from ferry.api.http import ApiAnswer, ApiRequest, BodyTooLarge, check_size
from ferry.control_plane.plane_flows import PlaneFlowService
from ferry.data_plane.read_access import ReadAccess
from ferry.domain.data_address import SourceAddress
from ferry.domain.faults import EffectFailed, FaultCode, InvalidInput, NotFound
from ferry.domain.plane_flow import PlaneFlow, PlaneFlowState
from ferry.effects.plane_flows import PlaneAddresses
from ferry.ports.clock import Clock
from ferry.ports.storage import BlobItem
from ferry.protocol.identity import Unauthenticated
from ferry.protocol.pull_tokens import REFRESH_GRANT, PullGrant, RefreshProof, bearer, refreshed

log = logging.getLogger("ferry.pull")

RANGE_BYTES = 16 * 1024 * 1024
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")
_MISSING = frozenset({FaultCode.SOURCE_BLOB_MISSING.value, FaultCode.CONTAINER_MISSING.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class PullApi:
    """`GET /data/{id}` and `POST /data/{id}/token`."""

    flows: PlaneFlowService
    addresses: PlaneAddresses
    access: ReadAccess
    proof: RefreshProof
    clock: Clock
    range_bytes: int = field(default=RANGE_BYTES)

    def read(self, request: ApiRequest) -> ApiAnswer:
        """GET: the blob, or what the query's `blob` names under the prefix; without it, the names (`after`: go on)."""
        return _answered(request, self._read)

    def refresh(self, request: ApiRequest) -> ApiAnswer:
        """POST: a new access token for a refresh token, from whoever proves who it is."""
        return _answered(request, self._refresh)

    def _read(self, request: ApiRequest) -> ApiAnswer:
        flow, grant = self._open(request)
        grant.check_access(bearer(request.headers.get("authorization")), flow.id, self.clock.now())
        if flow.state is not PlaneFlowState.STARTED or flow.source is None:
            return ApiAnswer(403, {"error": f"flow {flow.id} is {flow.state.value}: nothing is read now"})
        name = request.query.get("blob")
        if flow.source.blob_name is None and name is None:
            return self._names(flow.source, request.query.get("after"))
        item = self.access.find(flow.source, name)
        if item is None:
            raise NotFound("Blob", name or flow.source.blob_name or "")
        return self._content(flow.source, item, request.headers)

    def _content(self, source: SourceAddress, item: BlobItem, headers: Mapping[str, str]) -> ApiAnswer:
        told = _headers_of(item)
        wanted = _range_in(headers, item)
        if wanted is None and item.size_bytes > self.range_bytes:
            message = f"it has {item.size_bytes} bytes: read it in ranges of at most {self.range_bytes}"
            return ApiAnswer(413, {"error": message}, headers={"Accept-Ranges": "bytes"})
        start, end = wanted or (0, item.size_bytes)
        if wanted is not None and start >= min(end, item.size_bytes):
            beyond = {"Content-Range": f"bytes */{item.size_bytes}"}
            return ApiAnswer(416, {"error": f"it has {item.size_bytes} bytes"}, headers=beyond)
        end = min(end, item.size_bytes, start + self.range_bytes)
        content = self.access.read(source, item, start, end - start)
        if wanted is None:
            return ApiAnswer(200, headers=told, content=content)
        told["Content-Range"] = f"bytes {start}-{end - 1}/{item.size_bytes}"
        return ApiAnswer(206, headers=told, content=content)

    def _names(self, source: SourceAddress, after: str | None) -> ApiAnswer:
        page = self.access.page(source, after=after)
        items = [{"name": item.name, "sizeBytes": item.size_bytes, "etag": item.etag} for item in page.items]
        return ApiAnswer(200, {"items": items, "after": page.next_marker})

    def _refresh(self, request: ApiRequest) -> ApiAnswer:
        flow, grant = self._open(request)
        claims = self.proof.check(
            request.headers.get("authorization"),
            audience=flow.participant_id,
            counter_party_id=flow.counter_party_id,
        )
        try:
            form = parse_qs(request.body.decode("latin-1"), max_num_fields=10)
        except ValueError:
            return ApiAnswer(400, {"error": "invalid_request"})
        if form.get("grant_type") != [REFRESH_GRANT]:
            return ApiAnswer(400, {"error": "unsupported_grant_type"})
        if not grant.is_refreshed_by(form.get("refresh_token", [""])[0]):
            return ApiAnswer(400, {"error": "invalid_grant"})
        grant.check_access(str(claims.get("token")), flow.id, self.clock.now(), even_expired=True)
        return ApiAnswer(200, refreshed(grant, flow.id, self.clock.now()), headers={"Cache-Control": "no-store"})

    def _open(self, request: ApiRequest) -> tuple[PlaneFlow, PullGrant]:
        """The flow and what opens it. Whoever has no token for a flow does not learn whether there is one.

        Raises Unauthenticated, also where it is over or of another kind.
        """
        wanted_id = request.route.get("id", "")
        try:
            flow = self.flows.get(wanted_id)
        except NotFound:
            raise Unauthenticated(f"there is no flow {wanted_id!r}") from None
        grant = self.addresses.grant_of(flow)
        if grant is None:
            raise Unauthenticated(f"flow {wanted_id} is not read here, or not any more")
        return flow, grant


def _range_in(headers: Mapping[str, str], item: BlobItem) -> tuple[int, int] | None:
    """Start and end (exclusive) of the one range that is asked for; of anything else the whole is given."""
    if headers.get("if-range", item.etag) != item.etag:
        return None
    match = _RANGE.fullmatch(headers.get("range", "").replace(" ", ""))
    if match is None or match[0] == "bytes=-":
        return None
    if not match[1]:
        return max(0, item.size_bytes - int(match[2])), item.size_bytes
    return int(match[1]), int(match[2]) + 1 if match[2] else item.size_bytes


def _headers_of(item: BlobItem) -> dict[str, str]:
    kept = item.headers
    told = {
        "Content-Type": (kept.content_type if kept else None) or "application/octet-stream",
        "Content-Encoding": kept.content_encoding if kept else None,
        "Content-Disposition": kept.content_disposition if kept else None,
        "ETag": item.etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-store",
        "Last-Modified": format_datetime(item.created_at, usegmt=True) if item.created_at else None,
    }
    return {name: value for name, value in told.items() if value}


def _answered(request: ApiRequest, answer: Callable[[ApiRequest], ApiAnswer]) -> ApiAnswer:
    try:
        check_size(request)
        return answer(request)
    except Unauthenticated as error:
        log.info("refused a reader: %s", error)
        return ApiAnswer(401, {"error": "invalid_token"}, headers={"WWW-Authenticate": "Bearer"})
    except BodyTooLarge as error:
        return ApiAnswer(413, {"error": str(error)})
    except InvalidInput as error:
        return ApiAnswer(400, {"error": [f"{fault.path}: {fault.message}" for fault in error.faults]})
    except NotFound as error:
        return ApiAnswer(404, {"error": str(error)})
    except EffectFailed as error:
        if error.fault.code in _MISSING:
            return ApiAnswer(404, {"error": error.fault.message})
        return ApiAnswer(503 if error.fault.retryable else 502, {"error": error.fault.message})
