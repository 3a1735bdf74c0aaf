"""Management calls that clients made to EDC connectors, as files of `recorded/` hold them, and how answers compare.

Hosts and accounts are replaced by ours, signatures of SAS by a word; repeated polls are left out. An answer is compared
by its shape: the keys of every object, and the kind of each value.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

FOLDER = Path(__file__).parent / "recorded"
RECORDINGS = ("edc-0.15-v3", "edc-0.18-v3", "edc-0.18-v4")

# What another run calls differently: a later request names what an earlier answer has told.
_NAMING = frozenset({"@id", "contractAgreementId", "correlationId", "contractId", "agreementId"})


@dataclass(frozen=True, slots=True)
class Exchange:
    """One call to a participant's management API and EDC's answer. `path` begins with the version."""

    side: str
    method: str
    path: str
    request: Any
    status: int
    response: Any

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def exchanges(name: str) -> tuple[Exchange, ...]:
    """A recording, in order."""
    return tuple(Exchange(**json.loads(line)) for line in (FOLDER / f"{name}.jsonl").read_text().splitlines())


def names_in(recorded: Any, ours: Any) -> Iterator[tuple[str, str]]:
    """What the recorded answer calls, and what ours calls the same thing."""
    if isinstance(recorded, list) and isinstance(ours, list):
        for told, answered in zip(cast("list[Any]", recorded), cast("list[Any]", ours), strict=False):
            yield from names_in(told, answered)
    elif isinstance(recorded, dict) and isinstance(ours, dict):
        members = cast("dict[str, Any]", ours)
        for name, told in cast("dict[str, Any]", recorded).items():
            answered = members.get(name)
            if name in _NAMING and isinstance(told, str) and isinstance(answered, str):
                yield told, answered
            yield from names_in(told, answered)


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """The same with everything called as we do."""
    if isinstance(value, dict):
        return {name: renamed(inner, names) for name, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [renamed(item, names) for item in cast("list[Any]", value)]
    return names.get(value, value) if isinstance(value, str) else value


def differences(recorded: Any, ours: Any, at: str = "") -> Iterator[str]:
    """How our answer's shape differs: `-Type.member` where we have it not, `+Type.member` where EDC has it not.

    `~Type.member` where the kinds of value differ. Members are named by the type of the object that they stand in.
    """
    if isinstance(recorded, list) and isinstance(ours, list):
        for told, answered in zip(cast("list[Any]", recorded), cast("list[Any]", ours), strict=False):
            yield from differences(told, answered, at)
    elif isinstance(recorded, dict) and isinstance(ours, dict):
        yield from _object_differences(cast("dict[str, Any]", recorded), cast("dict[str, Any]", ours), at)
    elif _kind(recorded) != _kind(ours):
        yield f"~{at}"


def _object_differences(recorded: Mapping[str, Any], ours: Mapping[str, Any], at: str) -> Iterator[str]:
    of = str(ours.get("@type") or at).removeprefix("odrl:")
    for name in sorted(recorded.keys() | ours.keys()):
        if name not in ours:
            yield f"-{of}.{name}"
        elif name not in recorded:
            yield f"+{of}.{name}"
        elif name == "@context":
            yield from (f"~{of}.@context" for _ in range(recorded[name] != ours[name]))
        else:
            yield from differences(recorded[name], ours[name], f"{of}.{name}")


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "object"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "list"
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
