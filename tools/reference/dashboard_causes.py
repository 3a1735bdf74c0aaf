"""web/dashboard/causes.js: what to do next about each code, from the table of causes."""

import json
from collections.abc import Iterator

from ferry.domain.causes import CAUSES, UNKNOWN

_HEAD = """// What to do next about each cause of a failure, by its code. What happened is told by the app.
// Written by `python -m tools.reference --write` from ferry/domain/causes.py.

const NEXT = {
"""
_TAIL = """};

export const nextOf = (code) => (Object.hasOwn(NEXT, code) ? NEXT[code] : %s);

export const retryWords = (error) => (error.retryable ? "Trying again may help." : "Trying again does not help.");
"""


def dashboard_causes() -> str:
    """The module."""
    return _HEAD + "".join(_lines()) + _TAIL % json.dumps(UNKNOWN.next_step)


def _lines() -> Iterator[str]:
    for name, cause in CAUSES.items():
        yield f"  {name}: {json.dumps(cause.next_step, ensure_ascii=False)},\n"
