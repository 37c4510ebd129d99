"""A diagnosis as a table for notebooks: the rows of the printed report, light and dark, no scripts or remote assets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from pennylane_dla.diagnosis.records import Diagnosis
from pennylane_dla.report.text import closing_rows, measurement_blocks, rows, word_columns

# The colours are the page's own: text is currentColor, backgrounds are transparent, lines and the badge are mixed from
# currentColor. So the table is readable in every notebook theme, and under prefers-color-scheme, without knowing which.
# Shapes (✓ ✗ –) carry the verdict as well as the colours, which are Okabe and Ito's blue and vermilion.
STYLE = """
.dla{color:inherit;background:transparent;font:inherit;font-size:.95em;line-height:1.45;max-width:60em;overflow-wrap:anywhere}
.dla table{border-collapse:collapse;background:transparent;margin:.4em 0;width:auto;max-width:100%}
.dla caption{text-align:left;font-weight:600;padding:.2em 0;color:inherit;caption-side:top}
.dla th,.dla td{text-align:left;vertical-align:top;padding:.18em .8em .18em 0;border:0;\
background:transparent;color:inherit;white-space:normal}
.dla th{font-weight:600;opacity:.75;white-space:nowrap}
.dla .rows{width:100%}.dla .rows th{width:8em}
.dla tr{background:transparent;border-top:1px solid color-mix(in srgb,currentColor 18%,transparent)}
.dla .number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.dla .badge{display:inline-block;font-weight:700;padding:.05em .6em;border-radius:.4em;border:2px solid;\
margin-left:.5em;white-space:nowrap}
.dla .good{border-color:#0072b2}.dla .bad{border-color:#d55e00}.dla .open{border-color:currentColor}
@media (prefers-color-scheme:dark){.dla .good{border-color:#56b4e9}.dla .bad{border-color:#ff9a52}}
@media (max-width:480px){.dla th{white-space:normal}.dla .wide{overflow-x:auto}}
""".strip()

BADGES = {
    "resolved": ("good", "✓"),
    "needs more shots": ("bad", "✗"),
    "exponentially small": ("bad", "✗"),
    "no gradient": ("bad", "✗"),
    "unknown": ("open", "–"),
}


def render_html(diagnostics: Diagnosis) -> str:
    """The report as HTML: what ``print`` shows, as one table for the circuit and one for each measurement.

    Args:
        diagnostics: of :func:`pennylane_dla.inspect`

    Returns:
        a ``<div>`` that stands alone; all text is escaped
    """
    parts = [
        f"<div><strong>{escape(diagnostics.name)}</strong>{badge(diagnostics.verdict.label)} "
        f"{escape(diagnostics.verdict.headline)}</div>"
    ]
    parts.append(key_table(None, rows(diagnostics)))
    parts += [key_table(title, block) for title, block in measurement_blocks(diagnostics)]
    parts.append(key_table(None, closing_rows(diagnostics)))
    return page(parts)


def page(parts: Iterable[str]) -> str:
    """The parts in one ``<div>`` with the style sheet."""
    return f'<div class="dla"><style>{STYLE}</style>' + "".join(parts) + "</div>"


def badge(label: str) -> str:
    """A verdict, with a sign beside the colour."""
    kind, sign = BADGES.get(label, ("open", "–"))
    return f'<span class="badge {kind}">{sign} {escape(label)}</span>'


def key_table(caption: str | None, items: Sequence[tuple[str, str]]) -> str:
    """Two columns: a label and what it says."""
    head = f"<caption>{escape(caption)}</caption>" if caption else ""
    body = "".join(f'<tr><th scope="row">{escape(label)}</th><td>{escape(text)}</td></tr>' for label, text in items)
    return f'<table class="rows">{head}<tbody>{body}</tbody></table>'


def grid_table(caption: str, header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Many columns, numbers to the right.

    Args:
        caption: above the table
        header: of the columns
        lines: the cells
    """
    kinds = ["" if words else " class=number" for words in word_columns(header, lines)]
    head = "".join(f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(header, kinds, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{escape(cell)}</td>" for cell, kind in zip(line, kinds, strict=True)) + "</tr>"
        for line in lines
    )
    return (
        f'<div class="wide"><table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )
