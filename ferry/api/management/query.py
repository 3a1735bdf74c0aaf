"""Reads EDC's QuerySpec. What cannot be done is refused: nothing that a client asks for is ignored."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ferry.api.http import SEARCH_LIMIT, ApiRequest
from ferry.api.management.body import BodyReader, as_items, is_list, load_body, plain, short_name
from ferry.domain.contracts import Criterion
from ferry.domain.criteria import TOO_LONG, check_criteria, is_too_long
from ferry.domain.process import Json, JsonObject
from ferry.protocol.reader import child_path

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 1000
LARGEST_OFFSET = 1_000_000

_DIRECTIONS = ("ASC", "DESC")


@dataclass(frozen=True, slots=True)
class QuerySpec:
    """A page of what meets all criteria. `ascending` is None where no order was asked for.

    `cursor` is what an earlier page gave; `search_limit` is how many documents may be looked at.
    """

    offset: int = 0
    limit: int = DEFAULT_LIMIT
    criteria: tuple[Criterion, ...] = ()
    sort_field: str = ""
    ascending: bool | None = None
    cursor: str = ""
    search_limit: int = SEARCH_LIMIT


def read_query(request: ApiRequest) -> QuerySpec:
    """The QuerySpec in a request; without a body the default one. Raises InvalidInput."""
    spec = query_spec(load_body(request, optional=True))
    return replace(spec, cursor=request.query.get("cursor", ""), search_limit=request.search_limit)


def query_spec(raw: JsonObject, path: str = "") -> QuerySpec:
    """A QuerySpec that stands at `path`. Raises InvalidInput with every fault."""
    reader = BodyReader(raw, path)
    offset = reader.integer("offset", low=0, high=LARGEST_OFFSET)
    limit = reader.integer("limit", low=1, high=LARGEST_LIMIT)
    field, direction = reader.text("sortField", required=False), reader.text("sortOrder", required=False)
    if direction and direction not in _DIRECTIONS:
        reader.fault("sortOrder", "must be ASC or DESC", direction)
    if is_too_long(field):
        reader.fault("sortField", TOO_LONG)
    criteria = read_criteria(reader, "filterExpression", path)
    reader.finish()
    return QuerySpec(
        offset=offset or 0,
        limit=limit or DEFAULT_LIMIT,
        criteria=criteria,
        sort_field=short_name(field),
        ascending=direction != "DESC" if field else None,
    )


def read_criteria(reader: BodyReader, name: str, path: str = "") -> tuple[Criterion, ...]:
    """A member that is a list of Criterion; its faults are noted with the reader."""
    criteria = tuple(_criterion(raw) for raw in reader.objects(name))
    reader.collect(lambda: check_criteria(criteria, child_path(path, name)))
    return criteria


def _criterion(raw: JsonObject) -> Criterion:
    reader = BodyReader(raw)
    left, operator = reader.text("operandLeft", required=False), reader.text("operator", required=False)
    right = next((value for name, value in raw.items() if short_name(name) == "operandRight"), None)
    if is_list(right) or (isinstance(right, Mapping) and right.keys() <= {"@list", "@set"}):
        return Criterion(left, operator, _right_items([plain(item) for item in as_items(right)], operator))
    return Criterion(left, operator, plain(right))


def _right_items(items: list[Json], operator: str) -> Json:
    """A list of one stands for its value as well: which of both is meant is told by the operator."""
    return items[0] if len(items) == 1 and operator.lower() not in ("in", "not in") else items
