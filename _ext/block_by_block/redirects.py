"""Pages that have moved: a small page at each old address leads to the new one.

``redirects.txt`` at the root of the repository has a line for each of them: the old page, then the
one that took its place, both as in ``_toc.yml``. A book without that file has moved nothing.
"""

from os.path import relpath
from pathlib import Path

from sphinx.util import logging

from .address import read_address

logger = logging.getLogger(__name__)

TABLE = "redirects.txt"
PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>This page has moved</title>
<link rel="canonical" href="{address}">
<script>location.replace("{target}" + location.search + location.hash)</script>
<meta http-equiv="refresh" content="0; url={target}">
<p>This page has moved <a href="{target}">to its new address</a>.</p>
</html>
"""


def moved_pages(root: Path) -> dict[str, str]:
    """Old pages and the new ones."""
    table = root / TABLE
    lines = table.read_text(encoding="utf-8").splitlines() if table.exists() else []
    pairs = [line.split() for line in lines if line.strip() and not line.startswith("#")]
    return {pair[0]: pair[-1] for pair in pairs}


def faults(moved: dict[str, str], docnames: set[str]) -> list[str]:
    """What is wrong with a table of moved pages, in sentences."""
    return [
        *(f"{old} has moved, but it stands in _toc.yml" for old in moved if old in docnames),
        *(f"{new} is no page that {old} could lead to" for old, new in moved.items()
          if new not in docnames),
    ]  # fmt: skip


def redirect(old: str, new: str, base: str) -> str:
    """The page at an old address, relative to which the new one is found."""
    target = relpath(f"{new}.html", Path(old).parent)
    return PAGE.format(target=target, address=f"{base}{new}.html")


def write_redirects(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    root = Path(app.srcdir)
    moved, base = moved_pages(root), read_address(root).pages
    for fault in faults(moved, set(app.env.found_docs)):
        logger.warning("%s: %s", TABLE, fault)
    for old, new in moved.items():
        page = Path(app.outdir) / f"{old}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(redirect(old, new, base), encoding="utf-8")


def setup(app):
    app.connect("build-finished", write_redirects)
