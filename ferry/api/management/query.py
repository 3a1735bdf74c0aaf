"""EDC's QuerySpec: read, and run over definitions and processes.

Definitions come in the order of their ids, processes newest first; the one field to sort by is `createdAt`. What would
take a search through more than SEARCH_LIMIT documents is refused, and so is what is not supported: nothing is ignored.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from ferry.api.http import ApiRequest
from ferry.api.management.body import BodyReader, as_items, is_list, load_body, plain, short_name
from ferry.control_plane.listing import Listing
from ferry.domain.contracts import Criterion
from ferry.domain.criteria import check_criteria, matches, wanted_id
from ferry.domain.faults import InvalidInput
from ferry.domain.process import Json, JsonObject, Process
from ferry.ports import Definitions
from ferry.protocol.reader import child_path

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 1000
LARGEST_OFFSET = 1_000_000
SEARCH_LIMIT = 2000

_DIRECTIONS = ("ASC", "DESC")


@dataclass(frozen=True, slots=True)
class QuerySpec:
    """A page of what meets all criteria. `ascending` is None where no order by creation time was asked for."""

    offset: int = 0
    limit: int = DEFAULT_LIMIT
    criteria: tuple[Criterion, ...] = ()
    ascending: bool | None = None


class Dated(Protocol):
    """A document that knows when it was created."""

    @property
    def created_at(self) -> datetime:
        """When."""
        ...


def read_query(request: ApiRequest) -> QuerySpec:
    """The QuerySpec in a request; without a body the default one. Raises InvalidInput."""
    return query_spec(load_body(request, optional=True))


def query_spec(raw: JsonObject, path: str = "") -> QuerySpec:
    """A QuerySpec that stands at `path`. Raises InvalidInput with every fault."""
    reader = BodyReader(raw, path)
    offset = reader.integer("offset", low=0, high=LARGEST_OFFSET)
    limit = reader.integer("limit", low=1, high=LARGEST_LIMIT)
    field, direction = reader.text("sortField", required=False), reader.text("sortOrder", required=False)
    if field and short_name(field) != "createdAt":
        reader.fault("sortField", "must be createdAt: nothing else is sorted by", field)
    if direction and direction not in _DIRECTIONS:
        reader.fault("sortOrder", "must be ASC or DESC", direction)
    criteria = read_criteria(reader, "filterExpression", path)
    reader.finish()
    return QuerySpec(
        offset=offset or 0,
        limit=limit or DEFAULT_LIMIT,
        criteria=criteria,
        ascending=direction != "DESC" if field else None,
    )


def read_criteria(reader: BodyReader, name: str, path: str = "") -> tuple[Criterion, ...]:
    """A member that is a list of Criterion; its faults are noted with the reader."""
    criteria = tuple(_criterion(raw) for raw in reader.objects(name))
    reader.collect(lambda: check_criteria(criteria, child_path(path, name)))
    return criteria


def search_definitions[D: Dated](definitions: Definitions[D], spec: QuerySpec) -> Sequence[D]:
    """A page of definitions. Raises InvalidInput where too many would have to be sorted."""
    if spec.ascending is None:
        return definitions.query(spec.criteria, offset=spec.offset, limit=spec.limit)
    found = list(definitions.query(spec.criteria, limit=SEARCH_LIMIT + 1))
    if len(found) > SEARCH_LIMIT:
        raise _too_many("sorted")
    found.sort(key=lambda definition: definition.created_at, reverse=not spec.ascending)
    return found[spec.offset : spec.offset + spec.limit]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSearch[P: Process]:
    """Searches processes of one type by what `view` shows of them. `codes`: EDC's numbers of the states."""

    listing: Listing[P]
    view: Callable[[P], JsonObject]
    codes: Mapping[int, str]

    def page(self, spec: QuerySpec) -> Sequence[P]:
        """A page of processes, newest first unless asked otherwise. Raises InvalidInput where too many are searched."""
        criteria = tuple(self._with_state_name(criterion) for criterion in spec.criteria)
        process_id = wanted_id(criteria)
        if process_id is not None:
            record = self.listing.engine.store.load(process_id)
            return [record.document][spec.offset : spec.offset + spec.limit] if record else []
        state, others = _parted(criteria)
        if spec.ascending:
            found = self._all_found(state, others)[::-1]
        elif others:
            found = self._found(state, others, spec.offset + spec.limit)
        else:
            return self.listing.page(state=state, offset=spec.offset, limit=spec.limit)
        return found[spec.offset : spec.offset + spec.limit]

    def _all_found(self, state: str | None, criteria: Sequence[Criterion]) -> list[P]:
        found = self._found(state, criteria, SEARCH_LIMIT + 1)
        if len(found) > SEARCH_LIMIT:
            raise _too_many("sorted")
        return found

    def _found(self, state: str | None, criteria: Sequence[Criterion], enough: int) -> list[P]:
        """The newest that match, as many as are enough. Raises InvalidInput beyond SEARCH_LIMIT."""
        found: list[P] = []
        for number, process in enumerate(self.listing.stream(state)):
            if number >= SEARCH_LIMIT:
                raise _too_many("searched")
            if matches(criteria, self._searched(process)):
                found.append(process)
            if len(found) == enough:
                break
        return found

    def _searched(self, process: P) -> JsonObject:
        return {**self.view(process), "id": process.id}

    def _with_state_name(self, criterion: Criterion) -> Criterion:
        if short_name(criterion.operand_left) != "state":
            return criterion
        right = criterion.operand_right
        named = [self._state_name(item) for item in right] if is_list(right) else self._state_name(right)
        return replace(criterion, operand_right=named)

    def _state_name(self, value: Json) -> Json:
        return self.codes.get(value, str(value)) if isinstance(value, int) else value


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


def _parted(criteria: tuple[Criterion, ...]) -> tuple[str | None, tuple[Criterion, ...]]:
    """The one state that is asked for, if there is one, and all other criteria."""
    for criterion in criteria:
        wanted = criterion.operand_right
        if short_name(criterion.operand_left) == "state" and criterion.operator == "=" and isinstance(wanted, str):
            return wanted, tuple(other for other in criteria if other is not criterion)
    return None, criteria


def _too_many(what: str) -> InvalidInput:
    message = f"more than {SEARCH_LIMIT} documents would have to be {what}; narrow it down, for example by state"
    return InvalidInput.at("filterExpression", message)
