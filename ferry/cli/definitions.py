"""What the commands of assets, policies and contract definitions have in common: list, show, delete."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from ferry.cli.exits import ExitCode
from ferry.cli.failure import CommandFailed
from ferry.cli.output import Output
from ferry.cli.session import participant

type Row = Callable[[Mapping[str, Any]], tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of thing that the API lists: its path, the columns of a list, and the row of one."""

    noun: str
    path: str
    columns: Sequence[str]
    row: Row

    def list_all(self, profile: str | None, output: Output, *, limit: int, offset: int) -> None:
        """Show a list."""
        with participant(profile) as (client, _):
            found = list(client.query(self.path, limit=limit, offset=offset))
        output.result(found)
        output.table(self.columns, [self.row(it) for it in found])

    def show(self, wanted_id: str, profile: str | None, output: Output) -> None:
        """Show one, as the API does."""
        with participant(profile) as (client, _):
            found = client.ask("GET", f"{self.path}/{in_path(wanted_id)}")
        show_document(found, output)

    def delete(self, wanted_id: str, profile: str | None, output: Output) -> None:
        """Delete one."""
        with participant(profile) as (client, _):
            client.call("DELETE", f"{self.path}/{in_path(wanted_id)}")
        output.result({"id": wanted_id, "deleted": True})
        output.line(f"{self.noun} {wanted_id} is deleted")


def in_path(wanted_id: str) -> str:
    """An id as one segment of a path: ids may be URLs."""
    from urllib.parse import quote

    return quote(wanted_id, safe="")


def show_document(document: Mapping[str, Any], output: Output) -> None:
    """One object: as JSON for people, too, but readable, and without the context that all of them have."""
    output.result(document)
    if not output.is_json:
        shown = {name: value for name, value in document.items() if name != "@context"}
        for line in json.dumps(shown, indent=2, ensure_ascii=False).splitlines():
            output.line(line)


def created(wanted_id: str, noun: str, output: Output) -> None:
    """Say that it is there now."""
    output.result({"id": wanted_id})
    output.line(f"{noun} {wanted_id} is created")


def read_json(path: Path, what: str) -> dict[str, Any]:
    """A JSON object from a file, `-` for standard input. Raises CommandFailed."""
    import sys

    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
        document = json.loads(text)
    except (OSError, ValueError) as error:
        raise _unusable(f"{what} {path} cannot be read: {error}") from None
    if not isinstance(document, dict):
        raise _unusable(f"{what} {path} is not a JSON object")
    return cast("dict[str, Any]", document)


def read_pairs(pairs: Sequence[str], option: str) -> dict[str, str]:
    """`NAME=VALUE`, as often as it was given. Raises CommandFailed."""
    wrong = [pair for pair in pairs if not pair.partition("=")[0] or "=" not in pair]
    if wrong:
        raise _unusable(f"{option} wants NAME=VALUE, not {wrong[0]!r}")
    return dict(pair.split("=", 1) for pair in pairs)


def day(millis: object) -> str:
    """A time of the API as one reads it."""
    if not isinstance(millis, int):
        return ""
    return datetime.fromtimestamp(millis / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _unusable(what: str) -> CommandFailed:
    return CommandFailed(what, next_step="correct it and try again", exit_code=ExitCode.USAGE)


def _asset_row(it: Mapping[str, Any]) -> tuple[str, ...]:
    address: Mapping[str, Any] = it.get("dataAddress", {})
    where = address.get("blobName") or f"{address.get('blobPrefix', '')}*"
    return (
        str(it["@id"]),
        str(it.get("properties", {}).get("name", "")),
        str(address.get("account", "")),
        str(address.get("container", "")),
        str(where),
        day(it.get("createdAt")),
    )


def _policy_row(it: Mapping[str, Any]) -> tuple[str, ...]:
    policy: Mapping[str, Any] = it.get("policy", {})
    rules = [f"{len(_items(value))} {name.rpartition(':')[2]}" for name, value in policy.items() if _is_rule(name)]
    return str(it["@id"]), ", ".join(rule for rule in rules if not rule.startswith("0")), day(it.get("createdAt"))


def _is_rule(name: str) -> bool:
    return name.rpartition(":")[2] in ("permission", "prohibition", "obligation")


def _items(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else [value]


def _definition_row(it: Mapping[str, Any]) -> tuple[str, ...]:
    criteria = [cast("Mapping[str, Any]", one) for one in _items(it.get("assetsSelector") or [])]
    selected = [f"{one.get('operandLeft')} {one.get('operator')} {one.get('operandRight')}" for one in criteria]
    return (
        str(it["@id"]),
        str(it.get("accessPolicyId", "")),
        str(it.get("contractPolicyId", "")),
        "; ".join(selected).replace("https://w3id.org/edc/v0.0.1/ns/", "") or "every asset",
    )


def _agreement_row(it: Mapping[str, Any]) -> tuple[str, ...]:
    signed = it.get("contractSigningDate")
    return (
        str(it["@id"]),
        str(it.get("assetId", "")),
        str(it.get("consumerId", "")),
        str(it.get("providerId", "")),
        day(signed * 1000 if isinstance(signed, int) else None),
    )


def _negotiation_row(it: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        str(it["@id"]),
        str(it.get("type", "")).lower(),
        str(it["state"]),
        str(it.get("assetId", "")),
        str(it.get("counterPartyId", "")),
        str(it.get("contractAgreementId") or it.get("errorDetail") or ""),
    )


RESOURCES: Mapping[str, Resource] = {
    "assets": Resource(
        "asset", "/assets", ("id", "name", "account", "container", "blobs", "created (UTC)"), _asset_row
    ),
    "policies": Resource("policy", "/policydefinitions", ("id", "rules", "created (UTC)"), _policy_row),
    "definitions": Resource(
        "contract definition",
        "/contractdefinitions",
        ("id", "access policy", "contract policy", "assets"),
        _definition_row,
    ),
    "agreements": Resource(
        "agreement", "/contractagreements", ("id", "asset", "consumer", "provider", "signed (UTC)"), _agreement_row
    ),
    "negotiations": Resource(
        "negotiation",
        "/contractnegotiations",
        ("id", "role", "state", "asset", "with", "agreement or cause"),
        _negotiation_row,
    ),
}
