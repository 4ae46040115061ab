"""The notebooks that readers download: the same bytes whether or not a build executed them."""

from pathlib import Path

import nbformat


def normalise(app, exception):
    """Number the cells and leave the outputs out: they are frames of a page, not of a kernel."""
    if exception is not None or app.builder.format != "html":
        return
    for path in (Path(app.outdir) / "_sources").rglob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        for number, cell in enumerate(notebook.cells, start=1):
            cell.id = f"cell-{number}"
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, path)


def setup(app):
    app.connect("build-finished", normalise)
