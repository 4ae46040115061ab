"""Markup of other extensions that a validator or a screen reader stumbles over."""

from docutils import nodes

REPEATED_IDS = {"proof", "proof-content", "exercise-content", "solution-content"}


def drop_repeated_ids(app, doctree, docname):
    """sphinx-proof and sphinx-exercise give every proof, and every body, of a page the same id."""
    for node in doctree.findall(lambda node: isinstance(node, (nodes.section, nodes.admonition))):
        node["ids"] = [name for name in node["ids"] if name not in REPEATED_IDS]


def list_items(app, pagename, templatename, context, doctree):
    """Entries of a bibliography are items of its list; their own role was withdrawn from ARIA."""
    if "body" in context:
        context["body"] = context["body"].replace('role="doc-biblioentry"', 'role="listitem"')


def setup(app):
    app.connect("doctree-resolved", drop_repeated_ids)
    app.connect("html-page-context", list_items)
