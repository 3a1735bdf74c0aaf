"""Management API of orphans: containers of ours that no process needs any more, to be looked at and to be removed.

EDC has nothing like it. Nothing is removed that was not named, and nothing at all unless `dryRun` is false.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import quote

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.management.body import BodyReader, as_items, load_body, members, plain
from ferry.api.management.shapes import CONTEXT, Shown, millis
from ferry.data_plane.orphans import Orphan, Orphans, Removal
from ferry.domain.faults import InvalidInput

NAMES_LIMIT = 100

_NAME = re.compile(r"(?=.{3,63}\Z)[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphansApi:
    """`/management/v3/orphans`."""

    orphans: Orphans

    def find(self, request: ApiRequest) -> ApiAnswer:
        """GET: those among a page of containers, which may be none, with a `Link` where there are more containers."""
        cursor = request.query.get("cursor")
        page = self.orphans.find(_marker(cursor) if cursor else None)
        shown = [_shown_orphan(orphan) for orphan in page.orphans]
        if page.next_marker is None:
            return ApiAnswer(200, shown)
        return ApiAnswer(200, shown, {"Link": f'<?cursor={quote(_cursor(page.next_marker))}>; rel="next"'})

    def remove(self, request: ApiRequest) -> ApiAnswer:
        """POST /remove: a result for each name in turn; a dry run, unless `dryRun` is false."""
        body = load_body(request)
        reader = BodyReader(body)
        names = [plain(item) for item in as_items(members(body).get("containers"))]
        if not 1 <= len(names) <= NAMES_LIMIT:
            reader.fault("containers", f"is required: the names of 1 to {NAMES_LIMIT} containers")
        for number, name in enumerate(names[:NAMES_LIMIT]):
            if not isinstance(name, str) or not _NAME.fullmatch(name):
                rule = "a container has 3 to 63 lower-case letters, digits and single hyphens"
                reader.fault(f"containers[{number}]", rule, name)
        dry_run = reader.boolean("dryRun", default=True)
        reader.finish()
        found = self.orphans.remove([str(name) for name in names], dry_run=dry_run)
        return ApiAnswer(200, [_shown_removal(removal) for removal in found])


def _shown_orphan(orphan: Orphan) -> Shown:
    return {"@type": "Orphan", **_told(orphan), "@context": CONTEXT}


def _shown_removal(removal: Removal) -> Shown:
    """What became of a container, and what was known of it."""
    detail: Shown = {"detail": removal.detail} if removal.detail else {}
    return {
        "@type": "OrphanRemovalResult",
        **({"container": removal.container} if removal.orphan is None else _told(removal.orphan)),
        "outcome": removal.outcome.value,
        **detail,
        "@context": CONTEXT,
    }


def _told(orphan: Orphan) -> Shown:
    return {
        "container": orphan.container,
        "processId": orphan.process_id,
        "since": millis(orphan.since),
        "delivered": orphan.delivered,
        "reason": orphan.reason.value,
    }


def _cursor(marker: str) -> str:
    return base64.urlsafe_b64encode(marker.encode()).decode().rstrip("=")


def _marker(cursor: str) -> str:
    try:
        marker = base64.b64decode(cursor.encode() + b"=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise InvalidInput.at("cursor", "is not one that an earlier page gave") from error
    if not marker.isprintable() or not marker:
        raise InvalidInput.at("cursor", "is not one that an earlier page gave")
    return marker
