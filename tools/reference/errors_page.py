"""docs/reference/errors.md: a section for each code, from the table of causes."""

from collections.abc import Iterator

from ferry.api.management.help import OTHER, REFUSALS
from ferry.domain.cause import Cause
from ferry.domain.causes import CAUSES, UNKNOWN
from tools.reference.markdown import page, sentence, table

_INTRO = f"""Why a transfer or a negotiation has failed stands in `error` of `GET …/transferprocesses/{{id}}` and
`…/contractnegotiations/{{id}}`, on both sides: `code`, `message` (what happened, here and now), `retryable`, `step`
(of [the 18](steps.md)) and `help`, a link to this page as the app itself serves it: `/api/docs/errors.html#CODE`.
`ferry transfer explain ID` tells the same with the next command. What is only tried again, and has not failed yet,
stands in `waiting`.

`retryable` is about this one case: whether the same order may succeed without anything being changed. Codes that
are not in this list come from [another connector](#{OTHER}). How requests are refused stands [at the
end](#refused-requests)."""

_REFUSED = """A refusal of the management API is an array of `{message, type, path, invalidValue}`, as EDC has it,
one entry for each fault; its `Link` header (`rel="help"`) leads to the page of the app."""


def errors_page() -> str:
    """The page."""
    return page("Errors", _INTRO, _lines())


def _lines() -> Iterator[str]:
    yield from table(
        ("code", "what it means"), [(f"[`{name}`](#{name})", cause.meaning) for name, cause in CAUSES.items()]
    )
    for name, cause in {**CAUSES, OTHER: UNKNOWN}.items():
        yield from _section(name, cause)
    yield "## Refused requests"
    yield ""
    yield _REFUSED
    yield ""
    for name, refusal in REFUSALS.items():
        yield f'### <a id="{name}"></a>{name}'
        yield ""
        yield f"Status {', '.join(map(str, refusal.statuses))}. {refusal.meaning} {refusal.action}"
        yield ""


def _section(name: str, cause: Cause) -> Iterator[str]:
    yield f'## <a id="{name}"></a>{name}'
    yield ""
    yield sentence(cause.meaning)
    yield ""
    yield f"- **Who has to act:** {cause.owner}."
    yield f"- **Does a retry help?** {cause.again}"
    yield f"- **What to do:** {cause.next_step}"
    if cause.command:
        yield f"- **On the command line:** `{cause.command}`"
    yield ""
