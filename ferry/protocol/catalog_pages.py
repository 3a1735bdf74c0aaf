"""The pages of a catalog: which one is wanted, the opaque token that leads to the next one, and the `Link` header.

The Dataspace Protocol prescribes the header and leaves the token to the provider. Ours holds the position and the
filter, so that the link alone is enough, by GET or by POST; it is read like anything else that a peer sends.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from ferry.domain.faults import InvalidInput
from ferry.protocol.catalog_messages import CatalogRequest, catalog_request, read_catalog_request
from ferry.protocol.reader import load

TOKEN_PARAMETER = "continuationToken"  # noqa: S105 - the name of a parameter
TOKEN_LIMIT = 6000
LARGEST_PAGE = 1000
# As in the schema of the request: what lies behind is reached by the links, which know the id before it.
LARGEST_OFFSET = 1_000_000

_LINK = re.compile(r'<([^<>]*)>\s*;[^,<]*?\brel="?(next|prev(?:ious)?)"?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A page: the filter, how many datasets lie before it, and the id of the last of them where that is known."""

    request: CatalogRequest
    offset: int
    limit: int
    after: str = ""

    @property
    def previous(self) -> "PageRequest | None":
        """The page before; it is counted from the start, for its first id is not known."""
        if self.offset == 0:
            return None
        return replace(self, offset=max(0, self.offset - self.limit), after="")

    def next(self, count: int, last_id: str) -> "PageRequest":
        """The page behind this one, which has so many datasets and ends with that id."""
        return replace(self, offset=min(self.offset + count, LARGEST_OFFSET), after=last_id)


def first_page(request: CatalogRequest, page_size: int) -> PageRequest:
    """The page that a request asks for. Raises InvalidInput where its filter is too long for a link."""
    wanted = PageRequest(request, request.offset, min(request.limit or page_size, LARGEST_PAGE))
    if len(_token(wanted)) > TOKEN_LIMIT:
        raise InvalidInput.at("filter", f"is too long: as a token it may have {TOKEN_LIMIT} characters")
    return wanted


def read_token(token: str) -> PageRequest:
    """The page that a link of ours leads to. Raises InvalidInput."""
    unreadable = InvalidInput.at(TOKEN_PARAMETER, "leads to no page of this catalog; begin with a catalog request")
    if len(token) > 2 * TOKEN_LIMIT:
        raise unreadable
    try:
        held = load(base64.b64decode(token.encode(), altchars=b"-_", validate=True))
        request = read_catalog_request(held.get("request"))
    except (ValueError, InvalidInput):
        raise unreadable from None
    after, limit = held.get("after"), held.get("limit")
    if not isinstance(after, str) or not isinstance(limit, int) or not 1 <= limit <= LARGEST_PAGE:
        raise unreadable
    return PageRequest(request, request.offset, limit, after)


def link_header(address: str, *, previous: PageRequest | None, following: PageRequest | None) -> str:
    """The `Link` header of a page; empty where it is the only one. `address` is that of the catalog's requests."""
    pages = (("next", following), ("previous", previous))
    return ", ".join(
        f'<{address}?{TOKEN_PARAMETER}={quote(_token(page), safe="")}>; rel="{rel}"' for rel, page in pages if page
    )


def linked_pages(header: str) -> Mapping[str, str]:
    """The URLs of a peer's `Link` header by `next` and `previous`."""
    found = ((url, rel.lower()) for url, rel in _LINK.findall(header))
    return {"next" if rel == "next" else "previous": url for url, rel in found}


def _token(page: PageRequest) -> str:
    request = catalog_request(replace(page.request, offset=page.offset, limit=page.limit))
    held = {"after": page.after, "limit": page.limit, "request": request}
    return base64.urlsafe_b64encode(json.dumps(held, separators=(",", ":")).encode()).decode()
