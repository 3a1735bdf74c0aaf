"""Runs EDC's QuerySpec over definitions and processes, on what the API shows of them.

Without an order of its own a list comes as its index has it: definitions by id, processes newest first. A single state
and bounds of `createdAt` are served by the index of processes. All else filters or sorts a stream of at most
`search_limit` documents; what would take more is refused. A `Link` leads on behind the last process of a page, and
costs the same however far one has gone. (Design: indexes.)
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from ferry.api.http import ApiAnswer
from ferry.api.management.body import is_list, short_name
from ferry.api.management.query import QuerySpec
from ferry.control_plane.listing import Listing, Position, position_of
from ferry.domain.codec import to_json
from ferry.domain.contracts import Criterion
from ferry.domain.criteria import matches, property_value, wanted_id
from ferry.domain.faults import InvalidInput
from ferry.domain.process import Json, JsonObject, Process

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

NEWEST_FIRST = "createdAt"

_CODE = "stateCode"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LATEST_MILLIS = 253_402_300_799_000


class View[D](Protocol):
    """What the API shows of a document."""

    def __call__(self, document: D, /) -> JsonObject:
        """As JSON."""
        ...


class Searchable[D](Protocol):
    """What definitions are searched in."""

    def get(self, definition_id: str, /) -> D | None:
        """One of them."""
        ...

    def all(self) -> Iterator[D]:
        """Every one."""
        ...


def search_definitions[D: "DataclassInstance"](
    definitions: Searchable[D], spec: QuerySpec, view: View[D]
) -> Sequence[D]:
    """A page of definitions. Raises InvalidInput where too many would have to be looked at."""
    only = wanted_id(spec.criteria)
    found = definitions.get(only) if only is not None else None
    stream = definitions.all() if only is None else iter(() if found is None else (found,))

    def searched(document: D) -> JsonObject:
        return {**to_json(document), **view(document)}

    matching = (it for it in _bounded(stream, spec.search_limit) if matches(spec.criteria, searched(it)))
    if spec.ascending is not None:
        matching = iter(_sorted(matching, searched, spec))
    return list(islice(matching, spec.offset, spec.offset + spec.limit))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSearch[P: Process]:
    """Searches processes of one type by what `view` shows of them. `codes`: EDC's numbers of the states."""

    listing: Listing[P]
    view: View[P]
    codes: Mapping[int, str]

    def answer(self, spec: QuerySpec) -> ApiAnswer:
        """A page as the API answers with it, with a `Link` to the next one where it comes newest first."""
        after = _position(spec.cursor) if spec.cursor else None
        if not _is_newest_first(spec):
            if after is not None:
                raise InvalidInput.at(
                    "sortField", "a cursor goes with newest first: leave sortField out, or use offset"
                )
            return ApiAnswer(200, [self.view(it) for it in self._sorted_page(spec)])
        found = list(islice(self._page(spec, after), spec.limit + 1))
        shown: list[Json] = [self.view(process) for process in found[: spec.limit]]
        if len(found) <= spec.limit:
            return ApiAnswer(200, shown)
        cursor = quote(_cursor(position_of(found[spec.limit - 1])))
        return ApiAnswer(200, shown, {"Link": f'<?cursor={cursor}>; rel="next"'})

    def _page(self, spec: QuerySpec, after: Position | None) -> Iterator[P]:
        """The page and at least one more, if there is more."""
        wanted = spec.limit + 1
        offset = 0 if after is not None else spec.offset
        process_id = wanted_id(spec.criteria)
        if process_id is not None:
            record = self.listing.engine.store.load(process_id)
            one = [record.document] if record and (after is None or _is_behind(record.document, after)) else []
            return islice(iter(one), offset, None)
        state, others = self._plan(spec)
        if not others:
            return iter(self.listing.page(state=state, offset=offset, limit=wanted, after=after))
        return islice(self._matching(spec, state, others, after=after, expected=offset + wanted), offset, None)

    def _sorted_page(self, spec: QuerySpec) -> Sequence[P]:
        state, others = self._plan(spec)
        found = _sorted(self._matching(spec, state, others, expected=spec.search_limit), self._searched, spec)
        return found[spec.offset : spec.offset + spec.limit]

    def _plan(self, spec: QuerySpec) -> tuple[str | None, tuple[Criterion, ...]]:
        """The one state that is asked for, if there is one, and all other criteria."""
        return _parted(tuple(self._with_state_name(criterion) for criterion in spec.criteria))

    def _matching(
        self,
        spec: QuerySpec,
        state: str | None,
        criteria: Sequence[Criterion],
        *,
        expected: int,
        after: Position | None = None,
    ) -> Iterator[P]:
        """The newest that match. Raises InvalidInput where too many would have to be looked at."""
        newest, oldest = _bounds(criteria)
        if newest is not None and (after is None or newest > after.created_at):
            after = Position(newest, "")
        stream = self.listing.stream(state, after=after, expected=expected)
        if oldest is not None:
            stream = takewhile(lambda process: process.created_at >= oldest, stream)
        return (it for it in _bounded(stream, spec.search_limit) if matches(criteria, self._searched(it)))

    def _searched(self, process: P) -> JsonObject:
        codes = {name: code for code, name in self.codes.items()}
        return {**self.view(process), "id": process.id, _CODE: codes.get(process.state_name)}

    def _with_state_name(self, criterion: Criterion) -> Criterion:
        """States are named; their order is that of their numbers."""
        if short_name(criterion.operand_left) != "state":
            return criterion
        right = criterion.operand_right
        if isinstance(right, int) and criterion.operator in ("<", "<=", ">", ">="):
            return replace(criterion, operand_left=_CODE)
        named = [self._state_name(item) for item in right] if is_list(right) else self._state_name(right)
        return replace(criterion, operand_right=named)

    def _state_name(self, value: Json) -> Json:
        return self.codes.get(value, str(value)) if isinstance(value, int) else value


def _is_newest_first(spec: QuerySpec) -> bool:
    return spec.ascending is None or (spec.ascending is False and spec.sort_field == NEWEST_FIRST)


def _is_behind(process: Process, after: Position) -> bool:
    return (process.created_at, after.id) < (after.created_at, process.id)


def _parted(criteria: tuple[Criterion, ...]) -> tuple[str | None, tuple[Criterion, ...]]:
    for criterion in criteria:
        wanted = criterion.operand_right
        if short_name(criterion.operand_left) == "state" and criterion.operator == "=" and isinstance(wanted, str):
            return wanted, tuple(other for other in criteria if other is not criterion)
    return None, criteria


def _bounds(criteria: Iterable[Criterion]) -> tuple[datetime | None, datetime | None]:
    """Between which times all must have been created that can match: no later than, no earlier than."""
    newest: datetime | None = None
    oldest: datetime | None = None
    for criterion in criteria:
        at = criterion.operand_right
        if (
            short_name(criterion.operand_left) != NEWEST_FIRST
            or not isinstance(at, int)
            or not 0 <= at < _LATEST_MILLIS
        ):
            continue
        bound = _EPOCH + at * _MILLISECOND
        if criterion.operator in ("<", "<=", "="):
            newest = min(newest or bound + _MILLISECOND, bound + _MILLISECOND)
        if criterion.operator in (">", ">=", "="):
            oldest = max(oldest or bound, bound)
    return newest, oldest


def _bounded[D](documents: Iterable[D], at_most: int) -> Iterator[D]:
    for number, document in enumerate(documents):
        if number >= at_most:
            message = f"more than {at_most} documents would have to be looked at; narrow it down, for example by state"
            raise InvalidInput.at("filterExpression", f"{message} or createdAt")
        yield document


def _sorted[D](documents: Iterable[D], searched: Callable[[D], JsonObject], spec: QuerySpec) -> list[D]:
    """By the field that was asked for; those that have none come last, whatever the direction."""
    field = _CODE if spec.sort_field == "state" else spec.sort_field
    valued: list[tuple[tuple[bool, int | float, str], D]] = []
    others: list[D] = []
    for document in documents:
        json = searched(document)
        value = property_value(json, field if field in json or field != _CODE else "state")
        if value is None:
            others.append(document)
        else:
            valued.append((_rank(value), document))
    valued.sort(key=lambda it: it[0], reverse=not spec.ascending)
    return [*(document for _, document in valued), *others]


def _rank(value: Json) -> tuple[bool, int | float, str]:
    """Numbers as they are, for a whole one may be too large for a float, before all else, which is sorted as text."""
    return (False, value, "") if isinstance(value, int | float) else (True, 0.0, str(value))


def _cursor(position: Position) -> str:
    text = f"{(position.created_at - _EPOCH) // timedelta(microseconds=1)} {position.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _position(cursor: str) -> Position:
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode()
        micros, _, process_id = text.partition(" ")
        at = _EPOCH + timedelta(microseconds=int(micros))
    except (binascii.Error, ValueError, OverflowError) as error:
        raise InvalidInput.at("cursor", "is not one that an earlier page gave") from error
    if not process_id:
        raise InvalidInput.at("cursor", "is not one that an earlier page gave")
    return Position(at, process_id)
