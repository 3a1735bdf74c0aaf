"""What `ferry orphans` asks of a participant: a list page by page, and the removal of what is named."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import batched
from typing import Any

from ferry.cli.api_client import CONTEXT, ApiClient, JsonObject, ManagementError, json_objects
from ferry.cli.definitions import day
from ferry.cli.exits import ExitCode
from ferry.cli.failure import CommandFailed
from ferry.cli.output import Output
from ferry.cli.session import participant

NAMES_PER_REQUEST = 100

_PATH = "/orphans"
_WORDS = {
    "UNKNOWN_PROCESS": "its process is not known any more",
    "DEPROVISIONED": "its process is deprovisioned",
    "TERMINATED": "its process failed long ago",
    "REMOVED": "removed",
    "REMOVABLE": "would be removed",
    "GONE": "is not there",
    "NOT_OURS": "not ours",
    "IN_USE": "in use",
    "FAILED": "not removed",
}
_LEFT_ALONE = ("NOT_OURS", "IN_USE")


def list_all(profile: str | None, output: Output) -> None:
    """Show all orphans."""
    with participant(profile) as (client, _):
        found = list(_orphans(client))
    output.result(found)
    output.table(("container", "process", "since (UTC)", "delivered", "why"), [_row(it) for it in found])
    if any(it.get("delivered") for it in found):
        output.note("a delivery into some of them was complete: look whether its data is needed before you remove them")


def remove(containers: Sequence[str], profile: str | None, output: Output, *, dry_run: bool) -> None:
    """Have them removed, or told what would be. Raises CommandFailed where one of them is no orphan, or stays."""
    with participant(profile) as (client, _):
        parts = batched(containers, NAMES_PER_REQUEST, strict=False)
        found = [it for names in parts for it in _removed(client, names, dry_run=dry_run)]
    output.result(found)
    columns = ("container", "outcome", "delivered", "why")
    output.table(columns, [(_text(it, "container"), _word(it, "outcome"), *_delivery(it)) for it in found])
    _check(found)
    if dry_run and any(it.get("outcome") == "REMOVABLE" for it in found):
        output.note("nothing was removed; the same command with --yes removes them and all that lies in them")


def _orphans(client: ApiClient) -> Iterator[JsonObject]:
    cursor = ""
    while True:
        answer = client.request("GET", f"{_PATH}{cursor}")
        try:
            page: object = answer.json()
        except ValueError:
            raise ManagementError(f"GET {client.url}{_PATH} was not answered with JSON", answer.status_code) from None
        yield from json_objects(page)
        cursor = answer.links.get("next", {}).get("url", "")
        if not cursor.startswith("?cursor="):
            return


def _removed(client: ApiClient, names: Sequence[str], *, dry_run: bool) -> list[JsonObject]:
    body = {"@context": CONTEXT, "containers": list(names), "dryRun": dry_run}
    return json_objects(client.call("POST", f"{_PATH}/remove", body))


def _check(found: Sequence[Mapping[str, Any]]) -> None:
    """Raise for what is left that somebody wanted to go."""
    stayed = [f"{_text(it, 'container')}: {_text(it, 'detail')}" for it in found if it.get("outcome") == "FAILED"]
    if stayed:
        raise CommandFailed("Not all of them could be removed", next_step="mend it and try again", faults=stayed)
    kept = [f"{_text(it, 'container')}: {_text(it, 'detail')}" for it in found if it.get("outcome") in _LEFT_ALONE]
    if kept:
        raise CommandFailed(
            "Some of them are no orphans and were left alone",
            next_step="name those alone that `ferry orphans list` shows",
            exit_code=ExitCode.REFUSED,
            faults=kept,
        )


def _row(it: Mapping[str, Any]) -> tuple[str, ...]:
    return _text(it, "container"), _text(it, "processId"), day(it.get("since")), *_delivery(it)


def _delivery(it: Mapping[str, Any]) -> tuple[str, str]:
    """Whether something was delivered, and why it is an orphan, where it is one."""
    return ("yes" if it["delivered"] else "no") if "delivered" in it else "", _word(it, "reason")


def _word(it: Mapping[str, Any], member: str) -> str:
    said = _text(it, member)
    return _WORDS.get(said, said)


def _text(it: Mapping[str, Any], member: str) -> str:
    return str(it.get(member, ""))
