"""The page that explains every error: plain HTML with an anchor for each code, made of the table of causes."""

from collections.abc import Iterator, Mapping
from functools import cache
from html import escape

from ferry.api.management.help import OTHER, REFUSALS, Refusal
from ferry.domain.cause import Cause
from ferry.domain.causes import CAUSES, UNKNOWN

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Ferry's errors</title>
  <link rel="icon" type="image/png" href="/api/docs/favicon-32x32.png">
  <link rel="stylesheet" href="/api/docs/errors.css">
</head>
<body>
<main>
<h1>Ferry's errors</h1>
<p>A process that has failed shows its <code>error</code>: a code, a sentence of what happened, whether a retry helps,
and the step. A request that is refused has one of the <a href="#refusals">types at the end</a>.</p>
"""
_TAIL = """</main>
</body>
</html>
"""


@cache
def error_page() -> bytes:
    """The whole page."""
    return "".join((_HEAD, *_contents(), *_causes({**CAUSES, OTHER: UNKNOWN}), *_refusals(), _TAIL)).encode()


def _contents() -> Iterator[str]:
    yield "<nav><ul>\n"
    for code in (*CAUSES, OTHER, *REFUSALS):
        yield f'<li><a href="#{code}">{code}</a></li>\n'
    yield "</ul></nav>\n"


def _causes(causes: Mapping[str, Cause]) -> Iterator[str]:
    yield '<h2 id="causes">Why a process has failed</h2>\n'
    for code, cause in causes.items():
        yield from _section(
            code,
            cause.meaning[0].upper() + cause.meaning[1:] + ".",
            {
                "Who has to act": cause.owner,
                "Does a retry help?": cause.again,
                "What to do": cause.next_step,
                "On the command line": cause.command,
            },
        )


def _refusals() -> Iterator[str]:
    yield '<h2 id="refusals">Why a request is refused</h2>\n'
    for name, refusal in REFUSALS.items():
        yield from _section(name, refusal.meaning, {"Status": _statuses(refusal), "What to do": refusal.action})


def _statuses(refusal: Refusal) -> str:
    return ", ".join(str(status) for status in refusal.statuses)


def _section(anchor: str, meaning: str, facts: Mapping[str, str]) -> Iterator[str]:
    yield f'<section id="{anchor}">\n<h3><a href="#{anchor}">{anchor}</a></h3>\n<p>{_text(meaning)}</p>\n<dl>\n'
    for term, fact in facts.items():
        if fact:
            yield f"<dt>{term}</dt><dd>{_text(fact)}</dd>\n"
    yield "</dl>\n</section>\n"


def _text(said: str) -> str:
    """Markup of a text in which backticks hold what is code."""
    parts = escape(said).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))
