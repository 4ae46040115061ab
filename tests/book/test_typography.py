"""Formulas keep the punctuation that touches them, and pasted numbers are set like the others."""

import re

import pytest
from block_by_block.book_map import toc_docnames
from block_by_block.typography import keep_together, set_numbers, typeset
from docutils import nodes
from pages import ROOT


def paragraph(*parts):
    return nodes.paragraph("", "", *parts)


def formula():
    return nodes.math("x", "x")


def kept(node):
    keep_together(None, node, "page")
    return [part.astext() for part in node], [
        part.astext() for part in node.findall(nodes.inline) if "unbroken" in part["classes"]
    ]


@pytest.mark.parametrize(
    "before, after, parts",
    [
        ("Let ", " be small.", ["Let ", "x", " be small."]),
        ("Let ", ", which is small", ["Let ", "x,", " which is small"]),
        ("the unit (", ").", ["the unit ", "(x)."]),
        ("all (", " of them", ["all ", "(x", " of them"]),
        ("for ", "-th rows", ["for ", "x", "-th rows"]),
    ],
)
def test_a_formula_takes_its_punctuation_along(before, after, parts):
    found, groups = kept(paragraph(nodes.Text(before), formula(), nodes.Text(after)))
    assert found == parts
    assert groups == [part for part in parts if "x" in part and part != "x"]


def test_neighbours_that_are_no_text_stay():
    found, groups = kept(paragraph(formula(), nodes.emphasis("", "."), formula()))
    assert found == ["x", ".", "x"] and groups == []


def test_formulas_one_after_the_other():
    found, groups = kept(paragraph(formula(), nodes.Text(", "), formula(), nodes.Text(".")))
    assert found == ["x,", " ", "x."] == [groups[0], " ", groups[1]]


@pytest.mark.parametrize(
    "written, set_", [
        ("-0.64", "−0.64"),
        ("-5 ± 2", "−5\xa0±\xa02"),
        ("6.04 × 10⁻⁶", "6.04\xa0×\xa010⁻⁶"),
        ("from -1 to (-2)", "from −1 to (−2)"),
        ("2026-11-22", "2026-11-22"),
        ("1e-06", "1e-06"),
        ("leave-one-out", "leave-one-out"),
    ],
)  # fmt: skip
def test_numbers_are_typeset(written, set_):
    assert typeset(written) == set_


def test_pasted_numbers_alone_are_changed():
    node = paragraph(nodes.Text("-1 "), nodes.inline("", "-1", classes=["pasted-text"]))
    set_numbers(None, node, "page")
    assert node.astext() == "-1 −1"


@pytest.mark.parametrize("docname", toc_docnames(ROOT))
def test_no_formula_of_the_site_touches_loose_punctuation(soup, docname):
    loose = [
        f"{math.get_text()}{math.next_sibling[:10]}"
        for math in soup(docname).select(".bd-article span.math:not(.unbroken > *)")
        if isinstance(math.next_sibling, str) and re.match(r"[.,;:!?)]", math.next_sibling)
    ]
    assert loose == []
