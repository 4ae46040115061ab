"""One hop from a chapter: its opening box leads to the code, the study and the tests behind it."""

from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref

from .address import read_address
from .book_map import read_chapter

BOX = "chapter-box"


def add_hops(app, doctree):
    """End the opening box of a chapter with links that follow from its front matter."""
    docname = app.env.docname
    boxes = [box for box in doctree.findall(nodes.admonition) if BOX in box["classes"]]
    if not docname.startswith("chapters/") or not boxes:
        return
    root = Path(app.srcdir)
    chapter = read_chapter(root, docname)
    test = f"tests/studies/test_{chapter.stem}.py"
    explained = [_object(docname, name) for name in chapter.algorithms]
    study = _object(docname, f"multiconvex.studies.{chapter.stem}", "mod")
    tests = nodes.reference("", "those of the study", refuri=read_address(root).file(test))
    line = nodes.paragraph(classes=["hops"])
    for label, links in (("Explained here", explained), ("Study", [study]), ("Tests", [tests])):
        line += [nodes.strong(text=label), nodes.Text(" ")]
        for link in links:
            line += [link, nodes.Text(", ")]
        line[-1] = nodes.Text(". ")
    boxes[0] += line


def _object(docname: str, name: str, kind: str = "obj") -> pending_xref:
    text = nodes.literal(text=name.rsplit(".", 1)[1], classes=["xref", "py"])
    return pending_xref(
        "", text, refdomain="py", reftype=kind, reftarget=name, refdoc=docname, refwarn=True
    )


def setup(app):
    app.connect("doctree-read", add_hops)
