"""The notebooks that readers download: the same bytes whether or not a build executed them.

Each begins with a cell that installs the package where it is missing, at the version of the page.
"""

import json
from pathlib import Path

import nbformat

from .address import Address, read_address
from .facts import commit

# A package of each extra that chapters use, and the package itself.
WITNESSES = ("multiconvex", "matplotlib", "myst_nb", "cvxpy", "dask")
EXTRAS = "programs,chapters,scale"
INSTALL = """\
# Installs the package of this book where it is missing.
from importlib.util import find_spec

if not all(map(find_spec, {witnesses})):
    %pip install --quiet "multiconvex[{extras}] @ git+{url}@{version}"
"""


def install_cell(address: Address, version: str):
    """The first cell of a download."""
    witnesses = json.dumps(WITNESSES)
    source = INSTALL.format(witnesses=witnesses, extras=EXTRAS, url=address.url, version=version)
    return nbformat.v4.new_code_cell(source.rstrip())


def prepare(notebook, first) -> None:
    """Put a cell first, number all, leave the outputs out: they are frames of a page."""
    notebook.cells.insert(0, first)
    notebook.metadata.pop("source_map", None)
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number}"
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None


def normalise(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    root = Path(app.srcdir)
    address = read_address(root)
    for path in (Path(app.outdir) / "_sources").rglob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        prepare(notebook, install_cell(address, commit(root) or address.branch))
        nbformat.write(notebook, path)


def setup(app):
    app.connect("build-finished", normalise)
