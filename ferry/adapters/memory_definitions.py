"""Definitions in memory, as JSON text."""

import json
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ferry.adapters.stored_text import stored_text
from ferry.domain.codec import from_bytes, from_json
from ferry.domain.contracts import Criterion
from ferry.domain.criteria import check_criteria, select
from ferry.domain.faults import AlreadyExists, NotFound
from ferry.domain.process import JsonObject

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class MemoryDefinitions[D: "DataclassInstance"]:
    """Definitions of one class."""

    def __init__(self, cls: type[D]) -> None:
        self._class = cls
        self._texts: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def get(self, definition_id: str) -> D | None:
        """The definition of that id."""
        text = self._texts.get(definition_id)
        return None if text is None else from_bytes(self._class, text)

    def create(self, definition_id: str, definition: D) -> None:
        """Insert. Raises AlreadyExists unless the same is there."""
        text = stored_text(definition_id, definition)
        with self._lock:
            there = self._texts.setdefault(definition_id, text)
        if there is not text and json.loads(there) != json.loads(text):
            raise AlreadyExists(self._class.__name__, definition_id)

    def update(self, definition_id: str, definition: D) -> None:
        """Replace. Raises NotFound."""
        text = stored_text(definition_id, definition)
        with self._lock:
            if definition_id not in self._texts:
                raise NotFound(self._class.__name__, definition_id)
            self._texts[definition_id] = text

    def delete(self, definition_id: str) -> None:
        """Remove. Raises NotFound."""
        with self._lock:
            if self._texts.pop(definition_id, None) is None:
                raise NotFound(self._class.__name__, definition_id)

    def all(self, *, after: str = "") -> Iterator[D]:
        """Every definition (behind the id `after`), in the order of their ids."""
        return (definition for definition, _ in self._scan(after))

    def query(self, criteria: Sequence[Criterion], *, offset: int = 0, limit: int = 50) -> Sequence[D]:
        """Definitions that meet all criteria, in the order of their ids. Raises InvalidInput."""
        check_criteria(criteria)
        return select(self._scan(), criteria, offset, limit)

    def _scan(self, after: str = "") -> Iterator[tuple[D, JsonObject]]:
        with self._lock:
            texts = [self._texts[definition_id] for definition_id in sorted(self._texts) if definition_id > after]
        for text in texts:
            document: JsonObject = json.loads(text)
            yield from_json(self._class, document), document
