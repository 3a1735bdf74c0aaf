"""Draws a trace as SVG: a row for each span under its parent, by participant in colour, in light and dark."""

from collections import defaultdict
from collections.abc import Iterator
from xml.sax.saxutils import escape

from tools.trace.recording import RecordedSpan

_WIDTH, _NAME_WIDTH, _ROW, _TOP = 1100, 400, 20, 64
_COLOURS = {"client": "#6b7280", "consumer": "#2563eb", "provider": "#c2410c"}
_STYLE = """
text{font:12px system-ui,sans-serif;fill:#1f2937}
.quiet{fill:#6b7280}.grid{stroke:#d1d5db}.failed{stroke:#dc2626;stroke-width:2}
@media (prefers-color-scheme: dark){text{fill:#e5e7eb}.quiet{fill:#9ca3af}.grid{stroke:#374151}}
"""


def draw(found: list[RecordedSpan]) -> str:
    """The picture of one trace."""
    begin = min(span.started_ns for span in found)
    total_ns = max(1, max(span.ended_ns for span in found) - begin)
    height = _TOP + _ROW * len(found) + 12
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>One transfer: {len(found)} spans in {total_ns / 1e6:.0f} ms</title><style>{_STYLE}</style>",
        *_legend(),
        *_grid(total_ns, height),
        *(_row(index, depth, span, begin, total_ns) for index, (depth, span) in enumerate(_in_order(found))),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _in_order(found: list[RecordedSpan]) -> Iterator[tuple[int, RecordedSpan]]:
    """Depth first, children by their start."""
    children: defaultdict[str | None, list[RecordedSpan]] = defaultdict(list)
    for span in found:
        children[span.parent].append(span)
    waiting = [(0, span) for span in reversed(children[None])]
    while waiting:
        depth, span = waiting.pop()
        yield depth, span
        waiting.extend((depth + 1, child) for child in reversed(children[span.id]))


def _legend() -> Iterator[str]:
    for index, (name, colour) in enumerate(_COLOURS.items()):
        x = 8 + index * 110
        yield f'<rect x="{x}" y="10" width="12" height="12" rx="2" fill="{colour}"/>'
        yield f'<text x="{x + 18}" y="20">{name}</text>'


def _grid(total_ns: int, height: int) -> Iterator[str]:
    for part in range(5):
        x = _NAME_WIDTH + (_WIDTH - _NAME_WIDTH - 60) * part / 4
        yield f'<line class="grid" x1="{x:.0f}" y1="{_TOP - 14}" x2="{x:.0f}" y2="{height - 8}"/>'
        yield f'<text class="quiet" x="{x:.0f}" y="{_TOP - 20}">{total_ns * part / 4e6:.0f} ms</text>'


def _row(index: int, depth: int, span: RecordedSpan, begin: int, total_ns: int) -> str:
    y = _TOP + index * _ROW
    scale = (_WIDTH - _NAME_WIDTH - 60) / total_ns
    x, width = _NAME_WIDTH + (span.started_ns - begin) * scale, max(2.0, (span.ended_ns - span.started_ns) * scale)
    colour, failed = _COLOURS.get(span.participant, "#6b7280"), ' class="failed"' if span.error else ""
    label = str(span.attributes.get("ferry.message") or "")
    name = f"{span.name} {label}".strip() + (f" — {span.error}" if span.error else "")
    shown = name if len(name) <= 58 - 2 * depth else name[: 57 - 2 * depth] + "…"
    return (
        f'<text x="{8 + depth * 12}" y="{y + 13}">{escape(shown)}</text>'
        f'<rect{failed} x="{x:.1f}" y="{y + 3}" width="{width:.1f}" height="12" rx="2" fill="{colour}"/>'
        f'<text class="quiet" x="{min(x + width + 4, _WIDTH - 52):.0f}" y="{y + 13}">'
        f"{(span.ended_ns - span.started_ns) / 1e6:.0f}</text>"
    )
