"""Where a chapter leads: its opening box names what builds on it, and the map of all chapters."""

from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref

from .book_map import read_chapter
from .hops import BOX
from .parts import leads_to

MAP = "front/map"


def add_onward(app, doctree):
    """Add one line to the opening box of a chapter, before the links to its code."""
    root, docname = Path(app.srcdir), app.env.docname
    boxes = [box for box in doctree.findall(nodes.admonition) if BOX in box["classes"]]
    following = leads_to(root).get(docname)
    if following is None or not boxes:
        return
    line = nodes.paragraph(classes=["onward"])
    if following:
        line += [nodes.strong(text="Leads to"), nodes.Text(" ")]
        for name in following:
            line += [_page(docname, name, read_chapter(root, name).title), nodes.Text(", ")]
        line[-1] = nodes.Text(". ")
    line += [_page(docname, MAP, "Map of the chapters"), nodes.Text(".")]
    boxes[0] += line


def _page(here: str, docname: str, text: str) -> pending_xref:
    return pending_xref(
        "",
        nodes.inline(text=text),
        refdomain="std",
        reftype="doc",
        reftarget=f"/{docname}",
        refdoc=here,
        refexplicit=True,
        refwarn=True,
    )


def setup(app):
    app.connect("doctree-read", add_onward)
