"""The table of executed notebooks: what MyST-NB knows of them, in the order of the book."""

from datetime import UTC, datetime
from pathlib import Path

from docutils import nodes
from myst_nb.ext.execution_tables import METADATA_KEY
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.util.docutils import SphinxDirective

from .book_map import toc_docnames

COLUMNS = ("Notebook", "Executed (UTC)", "Seconds")


class executed_notebooks(nodes.General, nodes.Element):
    """Where the table goes when every notebook has been executed."""


class Executions(SphinxDirective):
    """A row for each notebook: when it was executed, and how long that took."""

    def run(self):
        # MyST-NB writes such pages again whenever a notebook was executed.
        NbMetadataCollector.set_doc_data(self.env, self.env.docname, METADATA_KEY, True)
        return [executed_notebooks()]


def fill(app, doctree, docname):
    """Make the table where a page asks for it."""
    for place in list(doctree.findall(executed_notebooks)):
        place.replace_self(_table(app, docname))


def _table(app, here: str) -> nodes.table:
    known = NbMetadataCollector.get_doc_data(app.env)
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in COLUMNS), cols=len(COLUMNS))
    group += nodes.thead("", _row(nodes.Text(name) for name in COLUMNS))
    body = nodes.tbody()
    for name in toc_docnames(Path(app.srcdir)):
        found = known.get(name, {}).get("exec_data")
        if found:
            body += _row((_link(app, here, name), *map(nodes.Text, _when_and_how_long(found))))
    group += body
    return nodes.table("", group, classes=["executions"])


def _when_and_how_long(found) -> tuple[str, str]:
    day = datetime.fromtimestamp(found["mtime"], UTC)
    return f"{day:%Y-%m-%d %H:%M}", f"{found['runtime'] or 0:.1f}"


def _link(app, here: str, name: str) -> nodes.reference:
    address = app.builder.get_relative_uri(here, name)
    return nodes.reference("", app.env.titles[name].astext(), refuri=address, internal=True)


def _row(contents) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", one)) for one in contents))


def setup(app):
    app.add_node(executed_notebooks)
    app.add_directive("executions", Executions)
    app.connect("doctree-resolved", fill)
