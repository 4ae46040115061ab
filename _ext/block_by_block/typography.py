"""What belongs together in a line stays together, and numbers from code look like the others."""

import re

from docutils import nodes

OPENING = re.compile(r"[(\[“]+$")
CLOSING = re.compile(r"^[.,;:!?)\]”]+")
MINUS = re.compile(r"(?<![\w.)])-(?=\d)")
AROUND_SIGN = re.compile(r" (?=[×±])|(?<=[×±]) ")


def keep_together(app, doctree, docname):
    """A line must not end between a formula and the punctuation that touches it."""
    for formula in list(doctree.findall(nodes.math)):
        parent, place = formula.parent, formula.parent.index(formula)
        before, after = parent[:place], parent[place + 1 :]
        opening = _touching(OPENING, before[-1:])
        closing = _touching(CLOSING, after[:1])
        if not (opening or closing):
            continue
        group = nodes.inline("", "", classes=["unbroken"])
        if opening:
            before[-1:] = _text(str(before[-1]).removesuffix(opening))
        if closing:
            after[:1] = _text(str(after[0]).removeprefix(closing))
        group += [*_text(opening), formula, *_text(closing)]
        parent.children = []
        parent += [*before, group, *after]


def _touching(pattern, neighbour):
    """The punctuation of a neighbouring text that a formula touches."""
    found = (
        pattern.search(neighbour[0]) if neighbour and isinstance(neighbour[0], nodes.Text) else None
    )
    return found[0] if found else ""


def _text(words):
    return [nodes.Text(words)] if words else []


def set_numbers(app, doctree, docname):
    """Numbers that were pasted from code have a minus sign and do not break."""
    for pasted in doctree.findall(nodes.inline):
        if "pasted-text" in pasted["classes"]:
            pasted[0] = nodes.Text(typeset(pasted.astext()))


def typeset(text: str) -> str:
    """A number as a printer sets it.

    >>> typeset("between -0.5 and 2 × 10⁻⁶")
    'between −0.5 and 2\\xa0×\\xa010⁻⁶'
    """
    return AROUND_SIGN.sub("\N{NO-BREAK SPACE}", MINUS.sub("\N{MINUS SIGN}", text))


def setup(app):
    app.connect("doctree-resolved", keep_together)
    app.connect("doctree-resolved", set_numbers)
