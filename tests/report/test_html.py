"""The notebook table: complete, escaped, and on its own."""

from html.parser import HTMLParser

import numpy as np
import pennylane as qp
import pytest

import pennylane_dla as dla
from pennylane_dla.report.html import grid_table
from pennylane_dla.report.text import closing_rows, measurement_rows, rows


class Cells(HTMLParser):
    """Text of all cells and captions, and every tag with its attributes."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.text = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1] != "style":
            self.text.append(data)


@pytest.fixture(scope="module")
def diag():
    @qp.qnode(qp.device("default.qubit"))
    def circuit(weights):
        qp.BasicEntanglerLayers(weights, wires=range(3))
        return qp.expval(qp.Z(0)), qp.expval(qp.X(1))

    return dla.inspect(circuit)(np.zeros((2, 3)))


def test_shows_the_rows_of_the_printed_report(diag):
    cells = Cells(diag._repr_html_())
    assert not cells.open, "every tag is closed"
    expected = [*rows(diag), *closing_rows(diag)]
    for measurement in diag.measurements:
        assert measurement.label in cells.text
        expected += measurement_rows(measurement)
    for label, text in expected:
        assert text in cells.text and (not label or label in cells.text)
    assert any(diag.verdict.label in text for text in cells.text)


def test_has_no_scripts_and_no_remote_assets(diag):
    html = diag._repr_html_()
    for tag, attributes in Cells(html).tags:
        assert tag in {"div", "style", "table", "caption", "tbody", "tr", "th", "td", "strong", "span"}
        assert not {"src", "href", "onload", "onclick"} & set(attributes)
    assert "url(" not in html and "@import" not in html and "http" not in html


def test_takes_the_colours_of_the_page(diag):
    """No fixed text or background colour: legible on light and dark pages alike."""
    style = diag._repr_html_().split("<style>")[1].split("</style>")[0]
    assert "prefers-color-scheme:dark" in style and "currentColor" in style
    for rule in style.replace("}", "{").replace(";", "{").split("{"):
        name, _, value = rule.partition(":")
        if name.strip() in ("color", "background", "background-color"):
            assert value in ("inherit", "transparent")


def test_escapes_everything(diag):
    from dataclasses import replace

    nasty = replace(diag, name="<script>alert(1)</script>", notes=('a < b & "c"',))
    html = nasty._repr_html_()
    assert "<script>" not in html
    cells = Cells(html)
    assert nasty.name in cells.text and nasty.notes[0] in cells.text
    assert "<b>" not in grid_table("<b>", ["<b>"], [["<b>"]])
